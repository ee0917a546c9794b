"""What follows from a look at the vendor's counts of webhooks: a pure function of what is known.

A re-send is asked for when failures stand, nothing is being sent, and the pause since the last one is
over: a minute, doubled each time that the count did not fall, a day at most. An ingress that came back
after the last re-send ends the pause early, because what kept webhooks out may have been it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.events import DeliveryProblem

SHORTEST: Final = timedelta(minutes=1)
"""Between two re-sends, and from a re-send to the look at what it brought."""

LONGEST: Final = timedelta(days=1)
HANGS_AFTER: Final = timedelta(minutes=30)
"""The vendor sends one at a time with pauses of 0.2 s at most: its count falls within seconds."""

UNKNOWN_TIMES: Final = 3
ALARM_AFTER: Final = 5
"""Fruitless re-sends before it is told: about half an hour."""

STOP_AFTER: Final = 14
"""Fruitless re-sends before it ends: pauses of 1, 2, 4, … 1,024 minutes, then days: four days."""

_OVER_WHEN_SETTLED: Final = frozenset(
    {DeliveryProblem.COUNT_UNKNOWN, DeliveryProblem.PROCESSING_HANGS}
)


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What is known between looks.

    ``resent_at``: the last re-send. ``expecting``: how many had failed then, until a look has shown what
    came of it. ``residue``: the last count of failures. ``fruitless``: re-sends in a row that changed
    nothing. ``unknown``: looks in a row without counts. ``processing``, ``processing_since``: the
    lowest count of webhooks being sent, and since when. ``stopped_at``: the residue that is left alone.
    """

    resent_at: datetime | None = None
    expecting: int | None = None
    residue: int | None = None
    fruitless: int = 0
    unknown: int = 0
    processing: int = 0
    processing_since: datetime | None = None
    stopped_at: int | None = None
    problem: DeliveryProblem | None = None


class Counts(NamedTuple):
    """The vendor's answer; a negative count means that it could not count."""

    processing: int
    failed: int


class Now(NamedTuple):
    """The database's clock, since when the newest ingress is well, and the pause while all is well."""

    at: datetime
    good_since: datetime
    pause: timedelta


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What to keep, whether to ask for a re-send, when to look again, and what is to be told.

    ``recovered``: by how much the count fell since the last re-send. ``healed``: nothing is left of
    what was asked for or alarmed about.
    """

    knowledge: Knowledge
    wait: timedelta
    resend: bool = False
    recovered: int = 0
    healed: bool = False
    alarm: DeliveryProblem | None = None


def decide(known: Knowledge, counts: Counts | None, now: Now) -> Verdict:
    """What follows from a look; ``counts`` is ``None`` when the answer held none."""
    if counts is None or min(counts) < 0:
        return _uncounted(known, now)
    known = replace(known, unknown=0)
    if counts.processing:
        return _sending(known, counts, now)
    known = replace(known, processing=0, processing_since=None)
    return _settled(known, counts.failed, now)


def pause_after(fruitless: int) -> timedelta:
    """How long to wait after a re-send, when so many in a row brought nothing."""
    doubled: int = 2 ** min(fruitless, 11)
    return min(SHORTEST * doubled, LONGEST)


def _uncounted(known: Knowledge, now: Now) -> Verdict:
    known = replace(known, unknown=known.unknown + 1)
    wait = min(pause_after(known.unknown), now.pause)
    if known.unknown < UNKNOWN_TIMES:
        return Verdict(knowledge=known, wait=wait)
    return _alarm(known, DeliveryProblem.COUNT_UNKNOWN, wait)


def _sending(known: Knowledge, counts: Counts, now: Now) -> Verdict:
    """Wait until the vendor has sent what it is sending; a count that falls shows that it does."""
    since = known.processing_since
    if since is None or counts.processing < known.processing:
        known = replace(known, processing=counts.processing, processing_since=now.at)
        return Verdict(knowledge=known, wait=SHORTEST)
    if now.at - since < HANGS_AFTER:
        return Verdict(knowledge=known, wait=SHORTEST)
    return _alarm(known, DeliveryProblem.PROCESSING_HANGS, now.pause)


def _settled(known: Knowledge, failed: int, now: Now) -> Verdict:
    """Nothing is being sent: see what the last re-send brought, and whether another is wanted."""
    before = known.expecting
    recovered = 0 if before is None else max(before - failed, 0)
    if failed == 0:
        healed = bool(known.residue) or before is not None or known.problem is not None
        fresh = Knowledge(resent_at=known.resent_at, residue=0)
        return Verdict(knowledge=fresh, wait=now.pause, recovered=recovered, healed=healed)
    if known.problem in _OVER_WHEN_SETTLED:
        known = replace(known, problem=None)
    if recovered:
        known = replace(known, fruitless=0, problem=None)
    elif before is not None:
        known = replace(known, fruitless=known.fruitless + 1)
    known = _awake(replace(known, expecting=None, residue=failed), failed, now)
    if known.stopped_at is not None:
        return Verdict(knowledge=known, wait=now.pause, recovered=recovered)
    if known.fruitless >= STOP_AFTER:
        return _alarm(replace(known, stopped_at=failed), DeliveryProblem.STOPPED, now.pause)
    verdict = _ask(known, failed, now)
    if known.fruitless >= ALARM_AFTER:
        told = _alarm(verdict.knowledge, DeliveryProblem.DOES_NOT_FALL, verdict.wait)
        return replace(told, resend=verdict.resend)
    return replace(verdict, recovered=recovered)


def _awake(known: Knowledge, failed: int, now: Now) -> Knowledge:
    """Go on where it had stopped, if more failed than were left alone, or an ingress came back."""
    stopped = known.stopped_at
    if stopped is None or not (failed > stopped or _came_back(known, now)):
        return known
    return replace(known, stopped_at=None, fruitless=0, problem=None)


def _ask(known: Knowledge, failed: int, now: Now) -> Verdict:
    """Ask for a re-send if it is time for one; else say when it will be."""
    left = timedelta(0)
    if known.resent_at is not None:
        pause = SHORTEST if _came_back(known, now) else pause_after(known.fruitless)
        left = known.resent_at + pause - now.at
    if left > timedelta(0):
        return Verdict(knowledge=known, wait=left)
    asked = replace(known, resent_at=now.at, expecting=failed)
    return Verdict(knowledge=asked, wait=SHORTEST, resend=True)


def _came_back(known: Knowledge, now: Now) -> bool:
    return known.resent_at is not None and now.good_since > known.resent_at


def _alarm(known: Knowledge, problem: DeliveryProblem, wait: timedelta) -> Verdict:
    """Tell a problem once; while it lasts, it is only remembered."""
    told = None if known.problem is problem else problem
    return Verdict(knowledge=replace(known, problem=problem), wait=wait, alarm=told)
