"""The protocol, broken on purpose: each class breaks one rule, as a hasty change of the product might."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from . import invariants as i
from .dispatch import Protocol
from .explorer import STUCK
from .state import Call, Claim, Heard, Id, Move, Query, Setup, State
from .steps import Cue, Step


class LeaseThatIsOverIsDueAgain(Protocol):
    def settled(self, query: Query, at: int) -> Query:
        return self.record(query, "not_sent", (at, query.attempts))


class IntentMarkedAfterTheCall(Protocol):
    def marked(self, query: Query) -> Query:
        return query._replace(attempts=query.attempts + 1)

    def is_mine(self, query: Query, claim: Claim) -> bool:
        return query.attempts == claim.attempt


class LookingAndMarkingInTwoTransactions(Protocol):
    def mark(self, state: State, at: int) -> Move:
        claim = Claim(at, state.queries[at].attempts + 1)
        return f"{claim}: is seen to be due, and not locked", state.swap(None, claim)

    def check_passes(self, query: Query, claim: Claim) -> bool:
        del query, claim
        return True

    def send(self, state: State, claim: Claim) -> Move:
        marked = self.marked(state.queries[claim.query])
        return super().send(state.put(claim.query, marked), claim)


class RecordedWithoutFencing(Protocol):
    def is_mine(self, query: Query, claim: Claim) -> bool:
        del query, claim
        return True

    def check_passes(self, query: Query, claim: Claim) -> bool:
        return super().is_mine(query, claim)


class CalledThoughItStoodStill(Protocol):
    def check_passes(self, query: Query, claim: Claim) -> bool:
        del query, claim
        return True


class NoAnswerTakenForNotSent(Protocol):
    def broken(self) -> Heard:
        return "not done"


class SentOnceMoreWithoutTelling(Protocol):
    def step(self, query: Query, cue: Cue) -> Step:
        step = super().step(query, cue)
        return step._replace(tells=frozenset()) if cue == "unclear" else step


class SentOnceMoreTwice(Protocol):
    def may_resend(self, query: Query) -> bool:
        return query.standing == "unknown" and not query.overdue


class RefusalOfTheSecondCallTakenForBoth(Protocol):
    def step(self, query: Query, cue: Cue) -> Step:
        if (query.standing, cue) == ("resending", "vendor_refused"):
            return Step("refused", frozenset({"refused"}), frees=True)
        return super().step(query, cue)


class RefusedAtItsDeadlineThoughUnderWay(Protocol):
    def is_over(self, query: Query) -> bool:
        return query.standing == "dispatching" or super().is_over(query)

    def step(self, query: Query, cue: Cue) -> Step:
        if (query.standing, cue) == ("dispatching", "expired"):
            return Step("refused", frozenset({"refused"}), frees=True)
        return super().step(query, cue)


class LeaseThatNobodySettles(Protocol):
    def leases(self, state: State) -> Iterator[Move]:
        del state
        yield from ()


class SlotHeldForEver(Protocol):
    def is_over(self, query: Query) -> bool:
        return query.standing != "unknown" and super().is_over(query)


class SlotTakenFromAnother(Protocol):
    def slot_is_taken(self, state: State, at: int) -> bool:
        del state, at
        return False


class SlotFreedWhenUnknown(Protocol):
    def step(self, query: Query, cue: Cue) -> Step:
        step = super().step(query, cue)
        return step._replace(frees=True) if cue == "unclear" else step


class ProofByThePatientAlone(Protocol):
    def only_ones(self, state: State, theirs: Id, call: Call) -> Iterator[int]:
        del theirs, call
        yield from (at for at, query in enumerate(state.queries) if self.is_candidate(query))


class SecondIdOfAnotherTakenForOurs(Protocol):
    """As the product was, until this model found it."""

    def is_candidate(self, query: Query) -> bool:
        return super().is_candidate(query) and not query.ids


class Broken(NamedTuple):
    protocol: type[Protocol]
    setup: Setup
    violates: str


_ONE: Final = Setup(replicas=3)
_TWO: Final = Setup(attempts=(1, 1))
_RESEND: Final = Setup(replicas=3, resend=True)

BREAKAGES: Final = (
    Broken(LeaseThatIsOverIsDueAgain, _ONE, i.I3),
    Broken(IntentMarkedAfterTheCall, _ONE, i.I3),
    Broken(LookingAndMarkingInTwoTransactions, _ONE, i.I3),
    Broken(NoAnswerTakenForNotSent, _ONE, i.I3),
    Broken(SentOnceMoreWithoutTelling, _RESEND, i.I3),
    Broken(SentOnceMoreTwice, _RESEND, i.I3),
    Broken(RecordedWithoutFencing, _RESEND, i.RESENT_ONCE),
    Broken(CalledThoughItStoodStill, _ONE, i.FENCED),
    Broken(RefusalOfTheSecondCallTakenForBoth, _RESEND, i.NOT_REFUSED),
    Broken(RefusedAtItsDeadlineThoughUnderWay, _ONE, i.NOT_REFUSED),
    Broken(LeaseThatNobodySettles, _ONE, STUCK),
    Broken(SlotHeldForEver, _ONE, STUCK),
    Broken(SlotTakenFromAnother, _TWO, i.ONE_SLOT),
    Broken(SlotFreedWhenUnknown, _TWO, i.NO_OVERLAP),
    Broken(ProofByThePatientAlone, _TWO, i.STARTED),
    Broken(
        SecondIdOfAnotherTakenForOurs,
        Setup(attempts=(2, 1), replicas=1, resend=True),
        i.STARTED,
    ),
)
