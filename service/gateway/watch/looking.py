"""What both kinds of look share: what an answer without a status means, and the next look."""

from datetime import timedelta
from http import HTTPStatus
from typing import Final

import structlog

from service.gateway.operations.common import retry_later
from service.gateway.outcome import Accepted, KeyRefused, NotSent, Outcome, Refused, SlowDown
from service.store import calls
from service.store.calls import Call, CallState
from service.store.unit import Unit
from service.store.watch import Kind
from service.telemetry import metrics

GONE: Final = "gone"
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})

log = structlog.get_logger()


async def was_made(unit: Unit, kind: Kind, call: Call, outcome: Outcome) -> bool:
    """Whether the vendor looked at all; if not, the call is due again as any other would be."""
    match outcome:
        case SlowDown() | NotSent() | KeyRefused():
            metrics.STATUS_POLLS.labels(kind, "not_made").inc()
            await retry_later(unit, call, outcome, repeatable=False)
            return False
        case _:
            return True


def shows_nothing(outcome: Outcome) -> str:
    """The word for an answer that holds no status."""
    match outcome:
        case Refused(_, status) if status in _GONE:
            return GONE
        case Refused():
            return "refused"
        case Accepted():
            return "unreadable"
        case _:
            return "unclear"


async def settle(
    unit: Unit, kind: Kind, call: Call, word: str, following: timedelta | None
) -> None:
    """Say what was seen, and let the thing be looked at again after ``following``, or never."""
    metrics.STATUS_POLLS.labels(kind, word).inc()
    log.info(
        "watch.looked",
        what=kind.value,
        ref_id=str(call.ref_id),
        outcome=word,
        next_seconds=None if following is None else following.total_seconds(),
    )
    if following is None:
        await calls.finish(unit, call, CallState.DONE, word)
    else:
        await calls.postpone(unit, call, word, following)
