"""People, the vendor and the application around one patient's data, in memory, on the product's pure rules.

The test double of the service holds subjects, challenges, sessions and queries. What it leaves out is here:
webhooks that say too little, or something else, and browsers that bring another's session.
``makers`` is the truth: whose each secret is, known from who was there when it was made.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from schemas.ids import CommandId, PatientId, SessionId, SubjectId, VerificationId
from schemas.reasons import Reason
from service.ias.aal2_steps import ChallengeStanding, Return, on_challenge
from service.ias.identity import Bind, Claim, Holder, Unbound, Verification, choose
from service.ias.identity_steps import Proof, on_identity, on_verification
from service.ias.identity_table import IdentityCue
from service.ias.machine import Effect
from service.ias.telling import head
from service.testing import person
from service.testing.memory import Challenge, Identity, Proofing
from service.testing.terms import Terms
from service.testing.world import World

BEGAN: Final = datetime(2026, 6, 1, tzinfo=UTC)
Choose = Callable[..., Bind | Unbound]


@dataclass
class Held:
    """A proofed identity and whom the service gave it to."""

    subject_id: SubjectId
    verification_id: VerificationId
    identity: Identity


class Code(NamedTuple):
    """A one-time code: who has it in their browser, and whose challenge it came back from."""

    holder: SubjectId
    owner: SubjectId
    code: str


@dataclass
class Scene:
    """One case. ``sent``: webhooks that were made, of which any may come, at any time and again."""

    draw: random.Random
    choose: Choose = choose
    world: World = field(default_factory=lambda: World(Terms(), BEGAN))
    patients: dict[SubjectId, PatientId] = field(default_factory=dict)
    makers: dict[str, SubjectId] = field(default_factory=dict)
    pages: dict[str, VerificationId] = field(default_factory=dict)
    sent: list[Claim] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=dict)
    secrets: dict[SessionId, str] = field(default_factory=dict)
    codes: list[Code] = field(default_factory=list)
    asked: dict[CommandId, SubjectId] = field(default_factory=dict)
    bound: int = 0
    refused: int = 0

    def proofings(self) -> dict[VerificationId, Proofing]:
        """Every verification, whoever's."""
        subjects = self.world.subjects.values()
        return {one.rule.verification_id: one for who in subjects for one in who.proofings}

    def secret(self, kind: str, maker: SubjectId) -> str:
        """A new one of this person's."""
        made = f"{kind}-{len(self.makers)}"
        self.makers[made] = maker
        return made

    def prove(self, who: SubjectId, proofing: Proofing) -> None:
        """The person proves who they are on a page of their own; the webhook says more or less of it."""
        known = [pid for pid, held in self.held.items() if held.subject_id != who]
        twice = known and self.draw.random() < 1 / 12  # another's identity is presented here, too
        pid = self.draw.choice(known) if twice else self.secret("pid", who)
        verification_id = proofing.rule.verification_id
        page = f"page-{verification_id}-{self.draw.randrange(2)}"
        self.pages[page] = verification_id
        by_id, by_page = self._shape(verification_id, page)
        elsewhere = self.draw.random() < 1 / 20
        self.sent.append(
            Claim(
                proofed_identity_id=pid,
                patient_id=PatientId("elsewhere") if elsewhere else proofing.rule.patient_id,
                vendor_session_ids=(by_page,),
                verification_id=by_id,
                verified_at=self.world.now,
            )
        )

    def _shape(self, own_id: VerificationId, own_page: str) -> tuple[VerificationId | None, str]:
        """Both ids, either, none; with another's page beside our id; or an id that nobody knows."""
        others = [page for page, of in self.pages.items() if of != own_id] or ["unheard-of"]
        return self.draw.choice(
            (
                (own_id, own_page),
                (own_id, "unheard-of"),
                (None, own_page),
                (None, "unheard-of"),
                (own_id, self.draw.choice(others)),
                (VerificationId(UUID(int=self.draw.getrandbits(64))), own_page),
            )
        )

    def deliver(self, claim: Claim) -> None:
        """``consumers.webhooks.identity_verified``, without its database."""
        match self.choose(claim, **self._found(claim)):
            case Bind(verification):
                self._bind(claim, self.proofings()[verification.verification_id])
            case Unbound():
                self.refused += 1

    def _found(self, claim: Claim) -> dict[str, object]:
        known = {key: one.rule for key, one in self.proofings().items()}
        named = [self.pages[page] for page in claim.vendor_session_ids if page in self.pages]
        linked = [one for one in self.world.subjects.values() if claim.patient_id in one.links]
        newest: Verification | None = None
        if len(linked) == 1 and linked[0].proofings:
            newest = linked[0].proofings[-1].rule
        return {
            "by_our_id": known.get(claim.verification_id) if claim.verification_id else None,
            "by_session": known[named[0]] if named else None,
            "ever_linked": frozenset(one.subject_id for one in linked),
            "newest_of_only_subject": newest,
        }

    def _bind(self, claim: Claim, proofing: Proofing) -> None:
        pid, rule = claim.proofed_identity_id, proofing.rule
        held = self.held.get(pid)
        if held is None:
            self._bind_new(pid, proofing)
            return
        identity = held.identity
        holder = Holder(identity.identity_id, held.subject_id, identity.patient_id, identity.state)
        proof = Proof(holder=holder, verified_at=self.world.now)
        decision = on_verification(rule, proof, proofing.about)
        proofing.rule = replace(rule, state=decision.state)
        about = head(held.subject_id, identity.patient_id)
        if Effect.STOP_HOLDER in decision.calls:
            self.refused += 1
            identity.state = on_identity(identity.state, IdentityCue.CONFLICT, about, "").state
        if Effect.ACTIVATE_IDENTITY in decision.calls:
            older = self.world.subject(held.subject_id).active(identity.patient_id)
            if older is not None and older is not identity:
                newer = IdentityCue.NEWER_PROVED
                older.state = on_identity(older.state, newer, about, "").state
            identity.state = on_identity(identity.state, IdentityCue.PROVED, about, "").state

    def _bind_new(self, pid: str, proofing: Proofing) -> None:
        identities = self.world.subject(proofing.rule.subject_id).identities
        before = len(identities)
        person.prove(self.world, proofing)
        if len(identities) > before:
            rule = proofing.rule
            self.held[pid] = Held(rule.subject_id, rule.verification_id, identities[-1])
            self.bound += 1

    def come_back(self, who: SubjectId, challenge: Challenge) -> None:
        """A browser returns for a challenge: its owner's, mostly; the code is known where it is."""
        owner = challenge.about["subject_id"]
        kept = self.world.subject(owner).sessions
        before = len(kept)
        if who != owner and self.secrets and self.draw.random() < 1 / 2:
            self._present_again(challenge)  # with a session that was seen before
            return
        self.codes.append(Code(who, owner, person.answer(self.world, challenge)))
        if len(kept) > before:
            self.secrets[kept[-1].rule.session_id] = self.secret("aal2", who)

    def _present_again(self, challenge: Challenge) -> None:
        standing = ChallengeStanding(
            state=challenge.state,
            link_id=challenge.link_id,
            expires_at=challenge.expires_at,
            head=challenge.about,
        )
        message = Return(returned_at=self.world.now, is_known=True)
        challenge.state = on_challenge(standing, message, self.world.now).state
        self.refused += 1

    def refuse_next(self) -> None:
        """The vendor's next answer is a no, or none that anybody can read."""
        self.world.refusal = self.draw.choice((Reason.SESSION_REFUSED, Reason.VENDOR_UNCLEAR))
