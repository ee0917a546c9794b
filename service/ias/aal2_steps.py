"""What a challenge and a session do next: (standing, message, now) → (state, events, effects)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from schemas.base import Event
from schemas.events import (
    Aal2ChallengeExpired,
    Aal2ChallengeFailed,
    Aal2SessionActivated,
    Aal2SessionExpired,
    Aal2SessionReceived,
    CommandRejected,
    ReturnConfirmed,
)
from schemas.ids import LinkId
from schemas.reasons import REMEDIES, Reason
from service.ias.aal2 import ChallengeState, Session, SessionState, refuse_confirmation
from service.ias.aal2_table import CHALLENGE, SESSION, ChallengeCue, SessionCue
from service.ias.machine import Decision
from service.ias.refusal import Refusal
from service.ias.telling import Head

_REASONS: Final = {
    ChallengeCue.RETURNED_LATE: Reason.LINK_EXPIRED,
    ChallengeCue.PRESENTED_TWICE: Reason.IDENTITY_CONFLICT,
    ChallengeCue.REVOKED: Reason.REVOKED,
}


@dataclass(frozen=True, kw_only=True)
class ChallengeStanding:
    """A challenge as the rules see it."""

    state: ChallengeState
    link_id: LinkId
    expires_at: datetime
    head: Head


@dataclass(frozen=True, kw_only=True)
class Return:
    """A browser came back. ``is_known``: its session id was received before, whoever's it is."""

    returned_at: datetime
    is_known: bool


PlainChallenge = Literal[ChallengeCue.EXPIRED, ChallengeCue.REVOKED, ChallengeCue.ERASED]
"""Messages without data are their cue."""


def on_challenge(
    challenge: ChallengeStanding, message: Return | PlainChallenge, now: datetime
) -> Decision[ChallengeState]:
    """What the challenge does. A return counts from when the browser came, or now if that is less."""
    cue = _return(challenge, message, now) if isinstance(message, Return) else message
    step = CHALLENGE.step(challenge.state, cue)
    events: list[Event] = []
    if Aal2SessionReceived in step.tells:
        events.append(Aal2SessionReceived(**challenge.head, link_id=challenge.link_id))
    if Aal2ChallengeExpired in step.tells:
        events.append(Aal2ChallengeExpired(**challenge.head, link_id=challenge.link_id))
    if Aal2ChallengeFailed in step.tells:
        reason = _REASONS[cue]
        failed = Aal2ChallengeFailed(
            **challenge.head, reason=reason, message=REMEDIES[reason], link_id=challenge.link_id
        )
        events.append(failed)
    return Decision(state=step.to, events=tuple(events), calls=step.calls)


def _return(challenge: ChallengeStanding, message: Return, now: datetime) -> ChallengeCue:
    if challenge.expires_at <= min(message.returned_at, now):
        return ChallengeCue.RETURNED_LATE
    return ChallengeCue.PRESENTED_TWICE if message.is_known else ChallengeCue.RETURNED


@dataclass(frozen=True)
class Confirm:
    """The application sent the code of this session, which lives so long; the head names that command."""

    code_lifetime: timedelta


@dataclass(frozen=True)
class Accepted:
    """The vendor accepted a call that carried the session, which may be used until then."""

    expires_at: datetime


SessionMessage = (
    Confirm
    | Accepted
    | Literal[SessionCue.REFUSED, SessionCue.EXPIRED, SessionCue.REVOKED, SessionCue.ERASED]
)
"""Messages without data are their cue."""


def on_session(
    session: Session, message: SessionMessage, head: Head, now: datetime
) -> Decision[SessionState]:
    """What the session does; ``head`` is that of the events, if any are told."""
    refused = None
    if isinstance(message, Confirm):
        refused = refuse_confirmation(session, now, message.code_lifetime)
    step = SESSION.step(session.state, _session_cue(message, refused))
    events: list[Event] = []
    if ReturnConfirmed in step.tells:
        events.append(ReturnConfirmed(**head, link_id=LinkId(session.challenge_id)))
    if CommandRejected in step.tells and refused is not None:
        events.append(rejected(head, refused))
    if Aal2SessionExpired in step.tells:
        events.append(Aal2SessionExpired(**head))
    if Aal2SessionActivated in step.tells and isinstance(message, Accepted):
        events.append(Aal2SessionActivated(**head, expires_at=message.expires_at))
    return Decision(state=step.to, events=tuple(events), calls=step.calls)


def _session_cue(message: SessionMessage, refused: Refusal | None) -> SessionCue:
    match message:
        case Confirm():
            return SessionCue.CONFIRMED if refused is None else SessionCue.NOT_CONFIRMED
        case Accepted():
            return SessionCue.ACCEPTED
        case cue:
            return cue


def rejected(head: Head, refusal: Refusal) -> CommandRejected:
    """The command was not valid."""
    return CommandRejected(
        **head, reason=refusal.reason, message=refusal.message, field=refusal.field
    )
