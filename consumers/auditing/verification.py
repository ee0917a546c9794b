"""Reads a chain from the database and says whether anything in it was touched.

Links, entries and heads pass by in batches, so that a chain of any length takes the same memory; only
what is given from outside is held.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final, NamedTuple

import msgspec

from schemas.events import AuditHeadPublished
from schemas.ids import SubjectId
from service.crypto.signing import SignatureCheck
from service.ias import audit as rules
from service.ias.audit import GENESIS, Head, Position
from service.ias.audit_check import Break, BreakKind, Walk
from service.store import audit_reading as audit
from service.store.audit_reading import BEGINNING, SignedCheckpoint, SignedHead
from service.store.pool import Connection

_UNCHAINED_AFTER: Final = timedelta(minutes=5)


class Report(NamedTuple):
    """What was checked, and the first thing that is wrong."""

    first: int
    last: int
    entries: int
    heads_matched: int
    heads_skipped: int
    never_chained: int
    broken: Break | None


class Start(NamedTuple):
    """Where checking begins: at the first link ever, or behind a month that was archived."""

    position: Position
    since: datetime
    broken: Break | None = None


async def verify(
    connection: Connection,
    check: SignatureCheck,
    retention_months: int,
    published: Sequence[AuditHeadPublished] = (),
) -> Report:
    """Check every link, every entry, every signature and every head; stops at the first break."""
    given = [_signed(event) for event in published]
    closed = await audit.checkpoints(connection)
    start = await _start(connection, closed, retention_months)
    walk = Walk(start.position, [*(_end(one) for one in given), *(one.end for one in closed)])
    broken = start.broken or _bad_signature(check, given, closed)
    last, bad_head = await _heads(connection, check)
    broken = broken or bad_head
    if broken is None:
        broken = await _walk(connection, walk, last)
    missed = await audit.never_chained(connection, start.since, _UNCHAINED_AFTER)
    if broken is None and missed:
        broken = Break(walk.at.number + 1, BreakKind.UNCHAINED)
    first, last = start.position.number + 1, walk.at.number
    return Report(first, last, last + 1 - first, walk.matched, walk.skipped, missed, broken)


async def _heads(connection: Connection, check: SignatureCheck) -> tuple[int, Break | None]:
    """The number of the newest head, and the first whose signature is wrong."""
    last = 0
    async for head in audit.heads(connection):
        broken = _bad_signature(check, [head], ())
        if broken is not None:
            return last, broken
        last = head.head.number
    return last, None


async def _walk(connection: Connection, walk: Walk, last_head: int) -> Break | None:
    """Along the chain, the heads beside it; heads that are published meanwhile are left out."""
    heads = audit.heads(connection)
    waiting = await _tell(walk, heads, None, min(walk.start.number, last_head))
    broken = walk.begin()
    if broken is not None:
        return broken
    async for row in audit.links(connection):
        waiting = await _tell(walk, heads, waiting, min(row.link.number, last_head))
        broken = walk.step(*row)
        if broken is not None:
            return broken
    await _tell(walk, heads, waiting, last_head)
    return walk.end()


async def _tell(
    walk: Walk, heads: AsyncIterator[SignedHead], waiting: SignedHead | None, upto: int
) -> SignedHead | None:
    """Let the walk know the heads up to a number; the first one beyond it waits for its turn."""
    waiting = waiting or await anext(heads, None)
    while waiting is not None and waiting.head.number <= upto:
        walk.know(_end(waiting))
        waiting = await anext(heads, None)
    return waiting


async def _start(
    connection: Connection, closed: Sequence[SignedCheckpoint], retention_months: int
) -> Start:
    """A chain may begin later than at 1 only behind a checkpoint whose retention is over."""
    first = await audit.first_number(connection)
    if first == 1 or (first is None and not closed):
        return Start(GENESIS, BEGINNING)
    archived = [one for one in closed if first is None or one.end.number < first]
    if not archived:
        return Start(GENESIS, BEGINNING, Break(1, BreakKind.MISSING))
    newest = archived[-1]
    after = rules.months_after(newest.checkpoint.month, 1)
    kept_until = rules.months_after(newest.checkpoint.month, 1 + retention_months)
    since = datetime.combine(after, time.min, UTC)
    if kept_until > rules.month_of(await connection.fetchval("select clock_timestamp()")):
        return Start(newest.end, since, Break(newest.checkpoint.first_number, BreakKind.MISSING))
    return Start(newest.end, since)


def _bad_signature(
    check: SignatureCheck, told: Iterable[SignedHead], closed: Iterable[SignedCheckpoint]
) -> Break | None:
    for head, key_id, signature in told:
        if not check.is_valid(key_id, rules.head_bytes(head), signature):
            return Break(head.number, BreakKind.BAD_SIGNATURE)
    for checkpoint, key_id, signature, _ in closed:
        if not check.is_valid(key_id, rules.checkpoint_bytes(checkpoint), signature):
            return Break(checkpoint.last_number, BreakKind.BAD_SIGNATURE)
    return None


def _end(one: SignedHead) -> Position:
    return Position(one.head.number, one.head.hash)


def _signed(event: AuditHeadPublished) -> SignedHead:
    head = Head(event.number, bytes.fromhex(event.hash), event.sealed_at)
    return SignedHead(head, event.key_id, bytes.fromhex(event.signature))


def as_line(one: SignedHead) -> str:
    """A head as the event told it, for a file of heads."""
    head = one.head
    event = AuditHeadPublished(
        sequence=0,
        subject_id=SubjectId("operators"),
        number=head.number,
        hash=head.hash.hex(),
        sealed_at=head.sealed_at,
        key_id=one.key_id,
        signature=one.signature.hex(),
    )
    return msgspec.json.encode(event).decode()
