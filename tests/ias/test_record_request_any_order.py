"""Record requests beside a world in which anything happens in any order (I2, I4).

The world holds what a database would, and is told by rules what people, the vendor and time do. After
each, the request is looked at as the runner does, and what it starts is done to the world.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.reasons import Reason
from schemas.record_requests import RecordStep, WaitingFor
from schemas.sources import PurposeOfUse, Source, SourceStatus
from service.ias.consolidated import ConsolidatedState
from service.ias.identity import VerificationState
from service.ias.network_query import QueryState, SourceRow
from service.ias.record_request import (
    RANK,
    Act,
    AttachedQuery,
    Challenge,
    Choice,
    End,
    Facts,
    Record,
    Registration,
    Start,
    Wait,
)
from service.ias.record_request_steps import look_again_at, next_step

BEGAN = datetime(2026, 6, 1, 12, tzinfo=UTC)
DEADLINE = BEGAN + timedelta(days=3)
WANTED = (Source.HIE, Source.LAB)
STATUSES = tuple(SourceStatus)
DICE = st.integers(1, 20)
"""What ends a request for good is seldom, so that most requests come far."""
REFUSALS = (Reason.SESSION_REQUIRED, Reason.PATIENT_OPTED_OUT, Reason.SESSION_REFUSED_TWICE)


@dataclass
class Asked:
    """A step that the person was asked for; ``told`` counts its ``UserActionRequired``."""

    told: int = 1
    is_open: bool = True


class World(RuleBasedStateMachine):
    """One request."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGAN
        self.step = RecordStep.REGISTRATION
        self.facts: dict[str, Any] = {"registration": Registration.DUE}
        self.query: dict[str, Any] | None = None
        self.statuses = dict.fromkeys(WANTED, SourceStatus.PROCESSING)
        self.asked: dict[str, list[Asked]] = {"identity": [], "challenge": []}
        self.sent = 0
        self.rest: Choice | None = None

    @initialize(
        known=st.sampled_from(["nobody", "linked", "proofed", "session", "query", "record"])
    )
    def some_things_are_so_already(self, known: str) -> None:
        """As for a person who asked before."""
        if known != "nobody":
            self.facts |= {"registration": None, "link": PurposeOfUse.IAS}
        if known not in {"nobody", "linked"}:
            self.facts["is_proofed"] = True
        self.facts |= {"has_session": known == "session", "serves": known == "query"}
        if known == "record":
            self.have(QueryState.COMPLETED, is_own=False, is_accepted=True)
            self.statuses = dict.fromkeys(WANTED, SourceStatus.COMPLETED)
        self.look()

    def known(self) -> Facts:
        query = None
        if self.query is not None:
            rows = {
                source: SourceRow(source, status, None, told_early=False, reason=None)
                for source, status in self.statuses.items()
            }
            query = AttachedQuery(sources=rows, **self.query)
        return Facts(
            step=self.step,
            created_at=BEGAN,
            deadline=DEADLINE,
            wanted=frozenset(WANTED),
            query=query,
            challenges=len(self.asked["challenge"]),
            **self.facts,
        )

    def look(self) -> None:
        """What the runner does: until it rests."""
        if isinstance(self.rest, End):
            return
        for _ in range(8):
            choice = next_step(self.known(), self.now)
            assert RANK[choice.step] >= RANK[self.step], "never backwards"
            if not isinstance(choice, Start):
                self.rest, self.step = choice, choice.step
                return
            self.start(choice.act)
        raise AssertionError("it never rests")

    def start(self, act: Act) -> None:
        match act:
            case Act.LINK_PATIENT:
                self.facts["registration"] = Registration.DUE
            case Act.ASK_IDENTITY:
                assert not any(one.is_open for one in self.asked["identity"]), "asked once a step"
                self.asked["identity"].append(Asked())
                self.facts["verification"] = VerificationState.PENDING
            case Act.ASK_CHALLENGE:
                assert self.facts.get("challenge") not in {Challenge.OPEN, Challenge.RETURNED}
                assert self.query is not None or self.facts.get("slot_is_free", True)
                self.asked["challenge"].append(Asked())
                self.facts["challenge"] = Challenge.OPEN
            case Act.START_QUERY:
                assert self.facts["is_proofed"]
                assert self.facts["has_session"], "I2: never without a session"
                self.have(QueryState.DUE, is_own=True)
            case Act.JOIN_QUERY:
                self.have(QueryState.STARTED, is_own=False, is_accepted=True)
                self.facts["serves"] = False
            case Act.LEAVE_QUERY:
                self.query = None
            case Act.START_RECORD:
                assert self.query is not None
                assert self.query["is_accepted"], "I9"
                assert self.facts.get("record") is None, "once"
                self.facts["record"] = Record(state=ConsolidatedState.DUE)

    def have(self, state: QueryState, **more: Any) -> None:
        self.query = {"state": state, "is_accepted": False, **more}
        self.statuses = dict.fromkeys(WANTED, SourceStatus.PROCESSING)

    @precondition(lambda self: self.facts["registration"] is Registration.DUE)
    @rule(dice=DICE)
    def metriport_answers_about_the_patient(self, dice: int) -> None:
        if dice == 20:
            self.facts |= {
                "registration": Registration.FAILED,
                "registration_reason": Reason.VENDOR_REFUSED,
            }
        else:
            self.facts["registration"] = Registration.REGISTERED
            self.facts["link"] = PurposeOfUse.TREATMENT if dice == 19 else PurposeOfUse.IAS
        self.look()

    @precondition(lambda self: self.facts.get("link") is not None)
    @rule()
    def the_person_proves_who_they_are(self) -> None:
        self.facts |= {"is_proofed": True, "verification": VerificationState.VERIFIED}
        for one in self.asked["identity"]:
            one.is_open = False
        self.look()

    @precondition(lambda self: self.facts.get("verification") is VerificationState.PENDING)
    @rule(dice=DICE)
    def the_verification_ends(self, dice: int) -> None:
        failed = dice == 20
        self.facts["verification"] = (
            VerificationState.FAILED if failed else VerificationState.EXPIRED
        )
        for one in self.asked["identity"]:
            one.is_open = False
        self.look()

    @precondition(lambda self: self.facts.get("challenge") is Challenge.OPEN)
    @rule(state=st.sampled_from([Challenge.RETURNED, Challenge.OVER]))
    def the_person_comes_back_or_never_does(self, state: Challenge) -> None:
        self.facts["challenge"] = state
        self.look()

    @precondition(lambda self: self.facts.get("challenge") is Challenge.RETURNED)
    @rule(confirmed=st.booleans())
    def the_application_confirms_or_lets_the_code_die(self, *, confirmed: bool) -> None:
        self.facts |= {"challenge": Challenge.OVER, "has_session": confirmed}
        if confirmed and self.query is not None and self.query.get("needs_session"):
            self.query |= {"state": QueryState.DUE, "needs_session": False}
        self.look()

    @precondition(lambda self: self.facts.get("has_session"))
    @rule()
    def the_session_gets_too_old(self) -> None:
        self.facts["has_session"] = False
        self.look()

    @precondition(lambda self: self.facts.get("is_proofed"))
    @rule(free=st.booleans())
    def another_query_takes_or_frees_the_slot(self, *, free: bool) -> None:
        self.facts["slot_is_free"] = free
        self.look()

    @precondition(lambda self: self.query is None and self.facts.get("is_proofed"))
    @rule()
    def another_request_starts_a_query_that_serves(self) -> None:
        self.facts["serves"] = True
        self.look()

    @precondition(lambda self: self.query is not None)
    @rule(state=st.sampled_from(list(QueryState)), reason=st.sampled_from(REFUSALS))
    def the_query_moves(self, state: QueryState, reason: Reason) -> None:
        assert self.query is not None
        accepted = state in {QueryState.STARTED, QueryState.PARTIAL, QueryState.COMPLETED}
        if self.query["is_accepted"] and not accepted:
            return
        self.query |= {"state": state, "is_accepted": accepted, "needs_session": False}
        self.query["reason"] = reason if state is QueryState.REFUSED else None
        if state is QueryState.FAILED:
            self.statuses = dict.fromkeys(WANTED, SourceStatus.FAILED)
        self.look()

    @precondition(lambda self: self.query is not None and not self.query["is_accepted"])
    @rule()
    def metriport_refuses_the_session(self) -> None:
        assert self.query is not None
        self.query |= {"state": QueryState.WAITING, "needs_session": True}
        self.facts["has_session"] = False
        self.look()

    @precondition(lambda self: self.query is not None and self.query["is_accepted"])
    @rule(source=st.sampled_from(WANTED), status=st.sampled_from(STATUSES))
    def a_source_moves(self, source: Source, status: SourceStatus) -> None:
        self.statuses[source] = status
        self.look()

    @precondition(lambda self: self.query is not None and self.query["is_accepted"])
    @rule(status=st.sampled_from(STATUSES), may_know=DICE)
    def every_source_moves(self, status: SourceStatus, may_know: int) -> None:
        assert self.query is not None
        self.statuses = dict.fromkeys(WANTED, status)
        self.query["refused"] = Reason.NO_ACTIVE_IDENTITY if may_know == 20 else None
        self.look()

    @precondition(lambda self: self.query is not None)
    @rule()
    def the_person_proves_it_anew(self) -> None:
        assert self.query is not None
        self.query["is_current"] = False
        self.look()

    @precondition(lambda self: self.facts.get("is_proofed"))
    @rule(dice=DICE)
    def the_identity_is_stopped(self, dice: int) -> None:
        self.facts["is_proofed"] = dice < 20
        self.look()

    @precondition(lambda self: self.facts.get("record") is not None)
    @rule(
        state=st.sampled_from(list(ConsolidatedState)),
        reason=st.sampled_from([Reason.LINK_EXPIRED, Reason.VENDOR_REFUSED]),
    )
    def the_record_moves(self, state: ConsolidatedState, reason: Reason) -> None:
        why = reason if state is ConsolidatedState.FAILED else None
        self.facts["record"] = Record(state=state, reason=why)
        self.look()

    @rule(word=st.sampled_from(["cancelled", "revoked"]), dice=DICE)
    def it_is_cancelled_or_revoked(self, word: str, dice: int) -> None:
        if dice == 20:
            self.facts[word] = True
            self.look()

    @precondition(lambda self: not isinstance(self.rest, End))
    @rule(dice=DICE)
    def time_passes(self, dice: int) -> None:
        self.now += timedelta(minutes=1) if dice < 20 else timedelta(days=2, hours=23)
        self.look()

    @invariant()
    def it_waits_for_a_named_thing_or_has_ended(self) -> None:
        """I4."""
        if isinstance(self.rest, End):
            assert self.step is RecordStep.FINISHED
            assert self.rest.result == "ready" or self.rest.reason is not None
            return
        assert isinstance(self.rest, Wait)
        assert self.rest.waiting_for in WaitingFor
        assert self.now < look_again_at(self.known(), self.rest, self.now) <= DEADLINE

    @invariant()
    def the_person_is_not_asked_for_ever(self) -> None:
        assert len(self.asked["challenge"]) <= 3


TestAnyOrder = World.TestCase
TestAnyOrder.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
