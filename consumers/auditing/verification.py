"""Reads a chain from the database and says whether anything in it was touched."""

from collections.abc import Sequence
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
    told = [*await audit.heads(connection), *map(_signed, published)]
    closed = await audit.checkpoints(connection)
    start = await _start(connection, closed, retention_months)
    walk = Walk(start.position, [*(_end(one) for one in told), *(one.end for one in closed)])
    broken = start.broken or _bad_signature(check, told, closed) or walk.begin()
    if broken is None:
        broken = await _walk(connection, walk)
    missed = await audit.never_chained(connection, start.since, _UNCHAINED_AFTER)
    if broken is None and missed:
        broken = Break(walk.at.number + 1, BreakKind.UNCHAINED)
    first, last = start.position.number + 1, walk.at.number
    return Report(first, last, last + 1 - first, walk.matched, walk.skipped, missed, broken)


async def _walk(connection: Connection, walk: Walk) -> Break | None:
    async for row in audit.links(connection):
        broken = walk.step(*row)
        if broken is not None:
            return broken
    return walk.end()


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
    check: SignatureCheck, told: Sequence[SignedHead], closed: Sequence[SignedCheckpoint]
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
