"""The audit chain: what an entry is, and how entries are chained. ``audit_check`` checks a chain.

An entry is chained over its ciphertext, so that destroying a subject's data key leaves every byte
that was chained as it was. Each link holds the digest of its entry and the hash of the link before:

    entry digest = SHA-256 over id, time, kind, subject reference, object id and box
    hash         = SHA-256 over the hash before, the entry digest and the time of sealing

The number of a link is its place, counted without a gap. Heads and checkpoints are signed values of
(number, hash): whoever rewrites the chain, or cuts off its end, contradicts one that was published.

    head         = number, hash and time of sealing
    checkpoint   = "month/first number/last number", hash before the first and hash of the last

Before every part stands its length in four bytes, big-endian, and before all parts what they are, as
``metriport-ias/audit/entry/v1``. Times are microseconds since 1970 in eight bytes. A part that may be
absent is empty if it is, and else begins with a byte 1.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MONTHS: Final = 12


class Kind(StrEnum):
    """Everything that is audited."""

    IDENTITY_BOUND = "identity_bound"
    IDENTITY_SUPERSEDED = "identity_superseded"
    IDENTITY_STOPPED = "identity_stopped"
    IDENTITY_REVOKED = "identity_revoked"
    IDENTITY_USED = "identity_used"
    SESSION_RECEIVED = "session_received"
    SESSION_CONFIRMED = "session_confirmed"
    SESSION_USED = "session_used"
    SESSION_PROVEN = "session_proven"
    SESSION_REFUSED = "session_refused"
    SESSION_EXPIRED = "session_expired"
    DATA_LINK_ISSUED = "data_link_issued"
    SUBJECT_ERASED = "subject_erased"
    LEGAL_HOLD_PLACED = "legal_hold_placed"
    LEGAL_HOLD_LIFTED = "legal_hold_lifted"
    ERASURE_REFUSED = "erasure_refused"
    DATA_KEY_CREATED = "data_key_created"
    DATA_KEY_DESTROYED = "data_key_destroyed"
    KEYS_REENCRYPTED = "keys_reencrypted"


class Entry(NamedTuple):
    """One entry as it is stored. ``kind`` is text: a stored row may say anything."""

    entry_id: UUID
    recorded_at: datetime
    kind: str
    subject_ref: bytes | None
    object_id: UUID | None
    box: bytes


class Link(NamedTuple):
    """One place in the chain."""

    number: int
    entry_id: UUID
    recorded_at: datetime
    entry_digest: bytes
    previous: bytes
    hash: bytes
    sealed_at: datetime


class Position(NamedTuple):
    """How far a chain goes: the number and hash of a link."""

    number: int
    hash: bytes


class Head(NamedTuple):
    """What is signed and published: the chain went at least this far."""

    number: int
    hash: bytes
    sealed_at: datetime


class Checkpoint(NamedTuple):
    """What is signed when a month of the chain is over."""

    month: date
    first_number: int
    last_number: int
    previous: bytes
    hash: bytes


GENESIS: Final = Position(0, bytes(hashlib.sha256().digest_size))
"""Before the first link."""


def entry_digest(entry: Entry) -> bytes:
    """SHA-256 over every field of an entry."""
    object_id = None if entry.object_id is None else entry.object_id.bytes
    return _hash(
        b"metriport-ias/audit/entry/v1",
        entry.entry_id.bytes,
        _time(entry.recorded_at),
        entry.kind.encode(),
        _optional(entry.subject_ref),
        _optional(object_id),
        entry.box,
    )


def link_hash(previous: bytes, digest: bytes, sealed_at: datetime) -> bytes:
    """The hash that the next link builds on."""
    return _hash(b"metriport-ias/audit/link/v1", previous, digest, _time(sealed_at))


def chain(after: Position, entries: Iterable[Entry], sealed_at: datetime) -> list[Link]:
    """Links for these entries, in this order, after a position."""
    links: list[Link] = []
    number, previous = after
    for entry in entries:
        number += 1
        digest = entry_digest(entry)
        hashed = link_hash(previous, digest, sealed_at)
        identity = (entry.entry_id, entry.recorded_at)
        links.append(Link(number, *identity, digest, previous, hashed, sealed_at))
        previous = hashed
    return links


def seal_time(now: datetime, last: datetime | None, closed: date | None) -> datetime:
    """When to say that a link was sealed: never before the last one, never in a closed month."""
    earliest = now if last is None else max(now, last)
    if closed is None:
        return earliest
    return max(earliest, datetime.combine(months_after(closed, 1), datetime.min.time(), UTC))


def month_of(moment: datetime) -> date:
    """The first day of a moment's month, in UTC."""
    return moment.astimezone(UTC).date().replace(day=1)


def months_after(month: date, count: int) -> date:
    """The first day of the month that is ``count`` months later."""
    months = month.year * _MONTHS + month.month - 1 + count
    return date(months // _MONTHS, months % _MONTHS + 1, 1)


def head_bytes(head: Head) -> bytes:
    """What is signed for a head."""
    parts = (str(head.number).encode(), head.hash, _time(head.sealed_at))
    return _framed(b"metriport-ias/audit/head/v1", *parts)


def checkpoint_bytes(checkpoint: Checkpoint) -> bytes:
    """What is signed for a checkpoint."""
    numbers = f"{checkpoint.month.isoformat()}/{checkpoint.first_number}/{checkpoint.last_number}"
    parts = (numbers.encode(), checkpoint.previous, checkpoint.hash)
    return _framed(b"metriport-ias/audit/checkpoint/v1", *parts)


def _optional(value: bytes | None) -> bytes:
    """Nothing and an empty value are not the same."""
    return b"" if value is None else b"\x01" + value


def _time(moment: datetime) -> bytes:
    """Microseconds since 1970, which is all that the database keeps."""
    return ((moment - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True)


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(_framed(*parts)).digest()


def _framed(*parts: bytes) -> bytes:
    """Each part with its length in front, so that no two lists of parts give the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
