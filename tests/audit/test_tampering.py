"""Tampering by whoever owns the database, with triggers off: found, named, and numbered."""

import hashlib
from datetime import timedelta
from typing import NamedTuple

import msgspec
import pytest

from consumers.auditing import verification
from schemas.events import AuditHeadPublished
from service.ias.audit_check import Break, BreakKind
from service.store import audit_reading
from service.store.pool import Database
from tests.audit.conftest import Ledger
from tests.audit.tampering import (
    EARLIER,
    entries_swapped,
    entry_altered,
    entry_removed,
    link_altered,
    link_removed,
    links_swapped,
)
from tests.support import people


class Tampering(NamedTuple):
    """What somebody does to a chain of ten, and what must be found."""

    statements: tuple[str, ...]
    expected: Break


CASES = {
    "an entry's kind": Tampering(entry_altered(4, "kind = 'x'"), Break(4, BreakKind.ALTERED)),
    "an entry's time": Tampering(entry_altered(4, EARLIER), Break(4, BreakKind.MISSING)),
    "an entry's time, in the chain as well": Tampering(
        (
            *entry_altered(4, EARLIER),
            *link_altered(4, "recorded_at = recorded_at - interval '1 second'"),
        ),
        Break(4, BreakKind.ALTERED),
    ),
    "an entry's box": Tampering(
        entry_altered(10, "box = e.box || '\\x00'"), Break(10, BreakKind.ALTERED)
    ),
    "whom an entry is about": Tampering(
        entry_altered(1, "subject_ref = ''"), Break(1, BreakKind.ALTERED)
    ),
    "an entry removed": Tampering(entry_removed(7), Break(7, BreakKind.MISSING)),
    "a link removed": Tampering(link_removed(7), Break(7, BreakKind.MISSING)),
    "a link removed and the rest counted anew": Tampering(
        (
            *link_removed(7),
            "update audit_chain set number = number - 1 where number > 7",
        ),
        Break(7, BreakKind.REORDERED),
    ),
    "the first links removed": Tampering(
        ("delete from audit_chain where number < 3",), Break(1, BreakKind.MISSING)
    ),
    "a link's hash": Tampering(
        link_altered(5, "hash = entry_digest"),
        Break(5, BreakKind.ALTERED),
    ),
    "a link's time": Tampering(
        link_altered(5, "sealed_at = sealed_at + interval '1 second'"),
        Break(5, BreakKind.ALTERED),
    ),
    "two links that changed places": Tampering(
        links_swapped(5, 6),
        Break(5, BreakKind.REORDERED),
    ),
    "two entries that changed places": Tampering(
        entries_swapped(5, 6),
        Break(5, BreakKind.ALTERED),
    ),
    "a link twice": Tampering(
        (
            """
            insert into audit_chain select number, entry_id, recorded_at, entry_digest, previous,
                hash, sealed_at + interval '1 second' from audit_chain where number = 5
            """,
        ),
        Break(5, BreakKind.REORDERED),
    ),
    "the end cut off, with what the database remembers of it": Tampering(
        (
            "delete from audit_chain where number > 8",
            "delete from audit_head where number > 8",
            "delete from audit_entry where entry_id not in (select entry_id from audit_chain)",
        ),
        Break(9, BreakKind.TRUNCATED),
    ),
    "everything removed": Tampering(
        ("delete from audit_chain", "delete from audit_head", "delete from audit_entry"),
        Break(1, BreakKind.TRUNCATED),
    ),
    "a head's signature": Tampering(
        ("update audit_head set signature = set_byte(signature, 0, get_byte(signature, 0) # 1)",),
        Break(10, BreakKind.BAD_SIGNATURE),
    ),
}


async def _ten(ledger: Ledger) -> AuditHeadPublished:
    """A chain of ten entries, and its head as Kafka keeps it."""
    await people.person(ledger.database)
    await ledger.sealed(6)
    async with ledger.database.connection() as connection:
        (head,) = [one async for one in audit_reading.heads(connection)]
    return msgspec.json.decode(verification.as_line(head), type=AuditHeadPublished)


@pytest.mark.parametrize("case", CASES)
async def test_tampering_is_found(ledger: Ledger, case: str) -> None:
    head = await _ten(ledger)
    untouched = await ledger.verify(head)
    assert (untouched.broken, untouched.entries, untouched.heads_matched) == (None, 10, 2)
    for statement in CASES[case].statements:
        await ledger.tamper(statement)
    assert (await ledger.verify(head)).broken == CASES[case].expected


async def test_a_cut_off_end_is_seen_only_by_what_was_published(ledger: Ledger) -> None:
    """Why heads are told: the database alone cannot know what it never had."""
    head = await _ten(ledger)
    for statement in CASES["the end cut off, with what the database remembers of it"].statements:
        await ledger.tamper(statement)
    assert (await ledger.verify()).broken is None
    assert (await ledger.verify(head)).broken == Break(9, BreakKind.TRUNCATED)


async def test_a_chain_computed_anew_contradicts_what_was_published(ledger: Ledger) -> None:
    """The owner has everything but the signing key and the topic."""
    head = await _ten(ledger)
    for statement in CASES["an entry's kind"].statements:
        await ledger.tamper(statement)
    for table in ("audit_chain", "audit_head"):
        await ledger.tamper(f"delete from {table}")  # noqa: S608 - names above
    await ledger.tamper(
        "insert into audit_unchained (entry_id, recorded_at)"
        " select entry_id, recorded_at from audit_entry order by recorded_at"
    )
    await ledger.seal()
    assert (await ledger.verify()).broken is None
    assert (await ledger.verify(head)).broken == Break(10, BreakKind.REWRITTEN)


async def test_a_head_that_another_key_signed_is_not_believed(ledger: Ledger) -> None:
    head = await _ten(ledger)
    forged = msgspec.structs.replace(head, hash="00" * 32)
    assert (await ledger.verify(forged)).broken == Break(10, BreakKind.BAD_SIGNATURE)
    other = hashlib.sha256(b"another").digest()
    assert (await ledger.verify(public_key=other)).broken == Break(10, BreakKind.BAD_SIGNATURE)


async def test_an_entry_that_was_taken_out_of_the_queue_is_missed(ledger: Ledger) -> None:
    """The service may delete from the queue; the entry itself stays, and tells."""
    await _ten(ledger)
    await ledger.tamper(
        "insert into audit_entry values"
        " (gen_random_uuid(), now() - interval '10 minutes', 'x', null, null, '')"
    )
    report = await ledger.verify()
    assert (report.broken, report.never_chained) == (Break(11, BreakKind.UNCHAINED), 1)


async def test_an_entry_that_is_about_to_be_chained_is_not_missed(
    ledger: Ledger, database: Database
) -> None:
    await _ten(ledger)
    await ledger.write()
    async with database.connection() as connection:
        now = audit_reading.BEGINNING
        assert await audit_reading.never_chained(connection, now, timedelta(minutes=5)) == 0
        assert await audit_reading.never_chained(connection, now, timedelta(0)) == 1
    assert (await ledger.verify()).broken is None


async def test_an_audit_without_entries_is_in_order(ledger: Ledger) -> None:
    report = await ledger.verify()
    assert (report.broken, report.entries) == (None, 0)


async def test_a_chain_longer_than_one_reading_is_checked_to_its_end(ledger: Ledger) -> None:
    count = audit_reading.BATCH * 2 + 3
    await ledger.owner.execute(
        "with entry as (insert into audit_entry (entry_id, kind, box)"
        " select gen_random_uuid(), 'x', '' from generate_series(1, $1)"
        " returning entry_id, recorded_at)"
        " insert into audit_unchained (entry_id, recorded_at) select * from entry",
        count,
    )
    while await ledger.seal():
        pass
    report = await ledger.verify()
    assert (report.broken, report.entries, report.last) == (None, count, count)
    await ledger.tamper(
        "update audit_entry set box = '\\x01' where entry_id ="
        " (select entry_id from audit_chain order by number desc limit 1)"
    )
    assert (await ledger.verify()).broken == Break(count, BreakKind.ALTERED)
