"""What is hashed and what is signed, byte for byte: it never changes, for what was published must verify.

Written out again from the module's text, so that a check can be made without our code.
"""

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest

from service.ias import audit
from service.ias.audit import GENESIS, Checkpoint, Entry, Head

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MICROS = (1_772_445_600_000_000).to_bytes(8, "big")
HASH, BEFORE = b"\x0a" * 32, b"\x0b" * 32
ENTRY = Entry(UUID(int=7), START, "session_used", b"\xaa" * 32, UUID(int=9), b"box")
HEAD = Head(4, HASH, START)
CHECKPOINT = Checkpoint(date(2026, 2, 1), 2, 4, BEFORE, HASH)


def _framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _digest(subject: bytes, thing: bytes) -> bytes:
    named = (b"metriport-ias/audit/entry/v1", UUID(int=7).bytes, MICROS, b"session_used")
    return hashlib.sha256(_framed(*named, subject, thing, b"box")).digest()


def test_an_entry_and_its_link_are_hashed_as_documented() -> None:
    assert START.timestamp() == 1_772_445_600
    digest = _digest(b"\x01" + b"\xaa" * 32, b"\x01" + UUID(int=9).bytes)
    linked = _framed(b"metriport-ias/audit/link/v1", bytes(32), digest, MICROS)
    (link,) = audit.chain(GENESIS, [ENTRY], START)
    assert (link.number, link.previous, link.entry_digest) == (1, bytes(32), digest)
    assert link.hash == hashlib.sha256(linked).digest()


def test_nothing_and_an_empty_value_are_hashed_as_different_things() -> None:
    nobody = ENTRY._replace(subject_ref=None, object_id=None)
    assert audit.entry_digest(nobody) == _digest(b"", b"")
    empty = nobody._replace(subject_ref=b"")
    assert audit.entry_digest(empty) == _digest(b"\x01", b"")


def test_a_head_is_signed_as_its_number_hash_and_time() -> None:
    expected = _framed(b"metriport-ias/audit/head/v1", b"4", HASH, MICROS)
    assert audit.head_bytes(HEAD) == expected


def test_a_checkpoint_is_signed_as_its_month_numbers_and_both_hashes() -> None:
    expected = _framed(b"metriport-ias/audit/checkpoint/v1", b"2026-02-01/2/4", BEFORE, HASH)
    assert audit.checkpoint_bytes(CHECKPOINT) == expected


@pytest.mark.parametrize(
    "other",
    [
        HEAD._replace(number=5),
        HEAD._replace(hash=BEFORE),
        HEAD._replace(sealed_at=START + timedelta(microseconds=1)),
    ],
)
def test_a_signature_of_one_head_is_of_no_other(other: Head) -> None:
    assert audit.head_bytes(other) != audit.head_bytes(HEAD)


@pytest.mark.parametrize(
    "other",
    [
        CHECKPOINT._replace(month=date(2026, 3, 1)),
        CHECKPOINT._replace(first_number=1),
        CHECKPOINT._replace(last_number=5),
        CHECKPOINT._replace(previous=HASH),
        CHECKPOINT._replace(hash=BEFORE),
    ],
)
def test_a_signature_of_one_checkpoint_is_of_no_other(other: Checkpoint) -> None:
    assert audit.checkpoint_bytes(other) != audit.checkpoint_bytes(CHECKPOINT)


@pytest.fixture
def far_west(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own clock is ten hours behind UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "WEST+10")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_west")
@pytest.mark.parametrize(
    ("moment", "month"),
    [
        (datetime(2026, 3, 31, 23, 59, 59, 999999, UTC), date(2026, 3, 1)),
        (datetime(2026, 4, 1, tzinfo=UTC), date(2026, 4, 1)),
        (datetime(2026, 4, 1, 1, tzinfo=timezone(timedelta(hours=2))), date(2026, 3, 1)),
        (datetime(2026, 12, 31, 20, tzinfo=timezone(-timedelta(hours=5))), date(2027, 1, 1)),
    ],
)
def test_a_month_of_the_chain_is_one_of_utc_wherever_the_machine_stands(
    moment: datetime, month: date
) -> None:
    assert audit.month_of(moment) == month
