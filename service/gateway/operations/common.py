"""What every operation uses: its surroundings, the words of ``prepare``, and when to try again."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple, TypeVar

import msgspec
import structlog

from schemas.reasons import REMEDIES, Reason
from service.crypto.keys import KeyRing
from service.gateway.outcome import (
    Accepted,
    CredentialDoubt,
    KeyRefused,
    NotSent,
    Outcome,
    Refused,
    SlowDown,
    Unknown,
)
from service.gateway.protocol import VendorRequest
from service.settings.rules import Rules
from service.settings.watching import Watching
from service.store import calls
from service.store.calls import Call, CallState
from service.store.unit import Unit

MAX_ATTEMPTS: Final = 6
"""A call that may be repeated and stays unclear this often is given up, visibly."""

_FIRST_DELAY: Final = timedelta(seconds=2)
_LONGEST_DELAY: Final = timedelta(seconds=60)

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What operations need beside the transaction."""

    facility_id: str
    public_url: str
    link_keys: KeyRing
    rules: Rules
    watching: Watching = field(default_factory=Watching)


@dataclass(frozen=True)
class Wait:
    """The call may not be made yet."""

    delay: timedelta


@dataclass(frozen=True)
class Void:
    """The call must not be made any more; whatever had to be said about it has been said."""

    why: str


Prepared = VendorRequest | Wait | Void


async def _of_its_kind(unit: Unit, call: Call) -> tuple[str, ...]:
    """Most calls are counted as calls of their kind, and as nothing else."""
    del unit
    return (call.operation,)


class Handler(NamedTuple):
    """The two halves of one operation, and the pools of ``service.gateway.pacing`` that it draws from."""

    prepare: Callable[[Unit, Surroundings, Call], Awaitable[Prepared]]
    record: Callable[[Unit, Surroundings, Call, Outcome], Awaitable[None]]
    pools: Callable[[Unit, Call], Awaitable[tuple[str, ...]]] = _of_its_kind


def backoff(attempts: int, chance: float) -> timedelta:
    """How long to wait before the next attempt: any time up to 2 s, doubled with each, a minute at most.

    Full jitter: what failed together does not come back together. ``chance`` is from 0 to 1.
    """
    doubled: int = 2 ** min(attempts - 1, 10)
    return chance * min(_FIRST_DELAY * doubled, _LONGEST_DELAY)


def may_retry(call: Call, outcome: Outcome, *, repeatable: bool) -> bool:
    """Whether the call is made again.

    Not sent, slow down and a refused key: always, because it was not acted on; what it is for has a
    lifetime, and the sweeper voids the call at its end. Unknown: only one that the vendor lets us
    repeat, and no more than ``MAX_ATTEMPTS`` times.
    """
    match outcome:
        case NotSent() | SlowDown() | KeyRefused():
            return True
        case Unknown():
            return repeatable and call.attempts < MAX_ATTEMPTS
        case _:
            return False


async def retry_later(unit: Unit, call: Call, outcome: Outcome, *, repeatable: bool) -> bool:
    """Postpone the call where the outcome allows it; whether it was postponed."""
    if not may_retry(call, outcome, repeatable=repeatable):
        return False
    word = type(outcome).__name__.lower()
    match outcome:
        case SlowDown(delay):
            await calls.postpone(unit, call, word, delay)
        case _:
            delay = backoff(call.attempts, random.random())  # noqa: S311 - spreads, protects nothing
            await calls.postpone(unit, call, word, delay)
    return True


async def finish(unit: Unit, call: Call, outcome: Outcome) -> None:
    """The call is over; say so once, with what an operator may know."""
    unknown = isinstance(outcome, Unknown)
    word = type(outcome).__name__.lower()
    await calls.finish(unit, call, CallState.UNKNOWN if unknown else CallState.DONE, word)
    log.info(
        "gateway.call_recorded",
        operation=call.operation,
        outcome=word,
        attempts=call.attempts,
        status=getattr(outcome, "status", None),
        reason=getattr(outcome, "reason", None),
    )


def read_answer(outcome: Outcome, kind: type[T]) -> T | None:
    """What an accepted call was answered with; ``None`` when it was not accepted or is not readable."""
    if not isinstance(outcome, Accepted):
        return None
    try:
        return msgspec.json.decode(outcome.body, type=kind)
    except (ValueError, RecursionError):
        return None


def refusal(outcome: Outcome) -> tuple[Reason, str]:
    """Reason and message for an outcome that ends a call without success."""
    match outcome:
        case Refused(reason, status, field):
            where = f" on {field}" if field else ""
            return reason, f"Metriport answered {status}{where}. {REMEDIES[reason]}"
        case Unknown() | Accepted() | CredentialDoubt() | SlowDown() | NotSent() | KeyRefused():
            return Reason.VENDOR_UNCLEAR, REMEDIES[Reason.VENDOR_UNCLEAR]
