"""What the person is asked for and does: proofing, the challenge, and the way back."""

from dataclasses import replace
from datetime import datetime

from schemas.events import StepKind, UserActionRequired
from schemas.ids import ChallengeId, IdentityId, LinkId, PatientId, SessionId, VerificationId
from schemas.links import Link, LinkKind
from service.ias.aal2 import UNKNOWN_CODE, Session, SessionState
from service.ias.aal2_steps import (
    ChallengeStanding,
    PlainChallenge,
    Return,
    SessionMessage,
    on_challenge,
    on_session,
)
from service.ias.identity import IdentityState, Verification, VerificationState
from service.ias.identity_steps import Plain, Proof, on_identity, on_verification
from service.ias.identity_table import IdentityCue, VerificationCue
from service.ias.machine import Effect
from service.ias.telling import Head, head
from service.testing.memory import Challenge, Early, Identity, Kept, Proofing
from service.testing.world import World


def ask_identity(world: World, about: Head, patient_id: PatientId, until: datetime) -> Proofing:
    """A pending verification, and a link to it."""
    rule = Verification(
        verification_id=VerificationId(world.new_id()),
        subject_id=about["subject_id"],
        patient_id=patient_id,
        state=VerificationState.PENDING,
    )
    proofing = Proofing(rule, _of_step(about), until)
    world.subject(about["subject_id"]).proofings.append(proofing)
    link_id = LinkId(rule.verification_id)
    _issue(world, about, patient_id, link_id, until)
    point_to(world, about, StepKind.IDENTITY_VERIFICATION, link_id, until)
    return proofing


def ask_challenge(
    world: World, about: Head, identity: Identity, return_url: str, until: datetime
) -> Challenge:
    """A pending challenge of the identity, and a link to it."""
    challenge_id = ChallengeId(world.new_id())
    challenge = Challenge(challenge_id, identity, _of_step(about), until, return_url)
    world.subject(about["subject_id"]).challenges.append(challenge)
    _issue(world, about, identity.patient_id, challenge.link_id, until)
    point_to(world, about, StepKind.AAL2_CHALLENGE, challenge.link_id, until)
    return challenge


def point_to(world: World, about: Head, kind: StepKind, link_id: LinkId, until: datetime) -> None:
    """Name the link of a step that is open."""
    world.tell([UserActionRequired(**about, kind=kind, link_id=link_id, expires_at=until)])


def _issue(
    world: World, about: Head, patient_id: PatientId, link_id: LinkId, until: datetime
) -> None:
    link = Link(
        link_id=link_id,
        kind=LinkKind.HOSTED_STEP,
        url=f"{world.terms.public_url}/go/{link_id}",
        expires_at=until,
        subject_id=about["subject_id"],
        patient_id=patient_id,
    )
    world.issue(link)


def prove(world: World, proofing: Proofing) -> None:
    """The person has proved who they are: a new identity, which takes the place of older ones."""
    proof = Proof(holder=None, verified_at=world.now)
    decision = on_verification(proofing.rule, proof, proofing.about)
    proofing.rule = replace(proofing.rule, state=decision.state)
    if Effect.BIND_IDENTITY in decision.calls:
        _bind(world, proofing)
    world.tell(decision.events)


def _bind(world: World, proofing: Proofing) -> None:
    subject, patient_id = world.subject(proofing.rule.subject_id), proofing.rule.patient_id
    older = subject.active(patient_id)
    if older is not None:
        about = head(subject.subject_id, patient_id)
        older.state = on_identity(older.state, IdentityCue.NEWER_PROVED, about, "").state
    for other in subject.proofings:
        if other is not proofing and other.rule.patient_id == patient_id:
            end_proofing(world, other, VerificationCue.SUPERSEDED)
    identity_id = IdentityId(world.new_id())
    subject.identities.append(Identity(identity_id, patient_id, IdentityState.ACTIVE))


def end_proofing(world: World, proofing: Proofing, cue: Plain) -> None:
    """The verification hears a word without data, such as that its time is over."""
    decision = on_verification(proofing.rule, cue, proofing.about)
    proofing.rule = replace(proofing.rule, state=decision.state)
    world.tell(decision.events)


def refuse_early(world: World, early: Early) -> None:
    """Nobody came back with the code in time."""
    world.subject(early.command.subject_id).early.remove(early)
    world.reject(early.command, UNKNOWN_CODE)


def answer(world: World, challenge: Challenge) -> str:
    """The person has answered and is back at the application; the one-time code of the return."""
    code = f"code-{world.new_id()}"
    if _move_challenge(world, challenge, Return(returned_at=world.now, is_known=False)):
        session = Session(
            session_id=SessionId(world.new_id()),
            challenge_id=challenge.challenge_id,
            identity_id=challenge.identity.identity_id,
            subject_id=challenge.about["subject_id"],
            patient_id=challenge.identity.patient_id,
            state=SessionState.RECEIVED,
            returned_at=world.now,
            uses=0,
        )
        world.subject(session.subject_id).sessions.append(Kept(session, code, challenge.about))
    return code


def end_challenge(world: World, challenge: Challenge, cue: PlainChallenge) -> None:
    """The challenge hears a word without data."""
    _move_challenge(world, challenge, cue)


def _move_challenge(world: World, challenge: Challenge, message: Return | PlainChallenge) -> bool:
    """Whether a session is to be kept."""
    standing = ChallengeStanding(
        state=challenge.state,
        link_id=challenge.link_id,
        expires_at=challenge.expires_at,
        head=challenge.about,
    )
    decision = on_challenge(standing, message, world.now)
    challenge.state = decision.state
    world.tell(decision.events)
    return Effect.RECEIVE_SESSION in decision.calls


def move_session(world: World, kept: Kept, message: SessionMessage, about: Head) -> bool:
    """Tell a session; whether it moved."""
    before = kept.rule.state
    decision = on_session(kept.rule, message, about, world.now)
    kept.rule = replace(kept.rule, state=decision.state)
    world.tell(decision.events)
    return decision.state is not before


def _of_step(about: Head) -> Head:
    """What the end of a step names: its command, not the request that it was asked for."""
    return head(about["subject_id"], about["patient_id"], about["command_id"])
