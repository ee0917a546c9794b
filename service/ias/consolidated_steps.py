"""What a consolidated query does next: (standing, message, now) → (state, events, effects)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from schemas.base import Event
from schemas.events import ConsolidatedDataFailed, ConsolidatedDataReady
from schemas.ids import LinkId
from schemas.reasons import REMEDIES, Reason
from service.ias.consolidated import (
    CONTENT_TYPES,
    RENEWALS,
    ConsolidatedState,
    DataLink,
    Failed,
    NoData,
)
from service.ias.consolidated_table import CONSOLIDATED, ConsolidatedCue
from service.ias.machine import Decision
from service.ias.refusal import Refusal
from service.ias.telling import Head

_CANNOT: Final = Refusal(Reason.VENDOR_REFUSED, "Metriport could not deliver the record")
_DIED: Final = Refusal(Reason.LINK_EXPIRED, "Three links died on their way; send RenewDataLink.")
_REASONS: Final = {
    ConsolidatedCue.EXPIRED: Reason.DEADLINE_PASSED,
    ConsolidatedCue.REVOKED: Reason.REVOKED,
    ConsolidatedCue.CANCELLED: Reason.CANCELLED,
}


@dataclass(frozen=True, kw_only=True)
class ConsolidatedStanding:
    """A consolidated query as the rules see it. ``renewals``: how many dead links it comes after."""

    state: ConsolidatedState
    conversion_type: str
    renewals: int
    head: Head


@dataclass(frozen=True)
class Turn:
    """Its turn has come; ``refused``: why the subject may not have the record, if so."""

    refused: Refusal | None


@dataclass(frozen=True)
class Refusing:
    """The vendor refused the call, or its answer could not be read."""

    refusal: Refusal


@dataclass(frozen=True)
class Delivery:
    """The webhook came. ``link_id`` names the link, should one be issued."""

    refused: Refusal | None
    content: DataLink | NoData | Failed
    link_id: LinkId


Plain = Literal[
    ConsolidatedCue.NOT_SENT,
    ConsolidatedCue.ALREADY_DELIVERED,
    ConsolidatedCue.ACCEPTED,
    ConsolidatedCue.EXPIRED,
    ConsolidatedCue.REVOKED,
    ConsolidatedCue.CANCELLED,
    ConsolidatedCue.ERASED,
]
"""Messages without data are their cue."""

Message = Turn | Refusing | Delivery | Plain


def on(query: ConsolidatedStanding, message: Message, now: datetime) -> Decision[ConsolidatedState]:
    """What the query does on hearing the message."""
    cue, refusal = _hear(query, message, now)
    step = CONSOLIDATED.step(query.state, cue)
    events: list[Event] = []
    if ConsolidatedDataFailed in step.tells and refusal is not None:
        failed = ConsolidatedDataFailed(
            **query.head, reason=refusal.reason, message=refusal.message
        )
        events.append(failed)
    if ConsolidatedDataReady in step.tells and isinstance(message, Delivery):
        events.append(_ready(query, message))
    return Decision(state=step.to, events=tuple(events), calls=step.calls)


def _hear(
    query: ConsolidatedStanding, message: Message, now: datetime
) -> tuple[ConsolidatedCue, Refusal | None]:
    match message:
        case Turn(None):
            return ConsolidatedCue.CLEARED, None
        case Turn(refused):
            return ConsolidatedCue.NOT_ENTITLED, refused
        case Refusing(refusal):
            return ConsolidatedCue.VENDOR_REFUSED, refusal
        case Delivery(None, content, _):
            return _delivered(query, content, now)
        case Delivery(refused, _, _):
            return ConsolidatedCue.NOT_ENTITLED, refused
        case cue:
            reason = _REASONS.get(cue, Reason.VENDOR_UNCLEAR)
            return cue, Refusal(reason, REMEDIES[reason])


def _delivered(
    query: ConsolidatedStanding, content: DataLink | NoData | Failed, now: datetime
) -> tuple[ConsolidatedCue, Refusal | None]:
    match content:
        case Failed():
            return ConsolidatedCue.DELIVERY_FAILED, _CANNOT
        case NoData():
            return ConsolidatedCue.NO_DATA, None
        case DataLink(_, _, expires_at) if expires_at > now:
            return ConsolidatedCue.DELIVERED, None
        case DataLink() if query.renewals < RENEWALS:
            return ConsolidatedCue.LINK_DIED, None
        case DataLink():
            return ConsolidatedCue.LAST_LINK_DIED, _DIED


def _ready(query: ConsolidatedStanding, delivery: Delivery) -> ConsolidatedDataReady:
    link = delivery.content if isinstance(delivery.content, DataLink) else None
    return ConsolidatedDataReady(
        **query.head,
        content_type=CONTENT_TYPES[query.conversion_type],
        no_data=link is None,
        link_id=None if link is None else delivery.link_id,
        expires_at=None if link is None else link.expires_at,
    )
