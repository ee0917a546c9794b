"""Heads pass by in batches beside the links: what is found does not depend on where a batch ends."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from service.ias.audit import Head, head_bytes
from service.ias.audit_check import BreakKind
from service.store import audit_reading
from service.store.pool import Connection
from tests.audit.conftest import Ledger

LENGTH = 12


@pytest.fixture
async def long(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A chain with a head for every link, read two at a time."""
    monkeypatch.setattr(audit_reading, "BATCH", 2)
    for _ in range(LENGTH):
        await ledger.sealed(1)
    return ledger


async def _said_at(ledger: Ledger, number: int) -> datetime:
    found: datetime = await ledger.owner.fetchval(
        "select sealed_at from audit_head where number = $1", number
    )
    return found


async def test_every_head_is_compared(long: Ledger) -> None:
    report = await long.verify()
    assert (report.entries, report.heads_matched, report.broken) == (LENGTH, LENGTH, None)


@pytest.mark.parametrize("number", [1, 2, 3, LENGTH])
async def test_a_head_that_says_something_else_is_found_wherever_it_is(
    long: Ledger, number: int
) -> None:
    """Its signature is right: whoever had the key signed another chain."""
    other = Head(number, bytes(32), await _said_at(long, number))
    await long.tamper(
        "update audit_head set hash = $1, signature = $2 where number = $3",
        other.hash,
        long.signer.sign(head_bytes(other)),
        number,
    )
    assert (await long.verify()).broken == (number, BreakKind.REWRITTEN)


async def test_a_wrong_signature_comes_before_anything_else(long: Ledger) -> None:
    await long.tamper("update audit_head set signature = ''::bytea where number = 7")
    await long.tamper("update audit_chain set hash = ''::bytea where number = 2")
    assert (await long.verify()).broken == (7, BreakKind.BAD_SIGNATURE)


@pytest.mark.parametrize("left", [1, 5, LENGTH - 1])
async def test_heads_beyond_the_end_say_that_it_was_cut_off(long: Ledger, left: int) -> None:
    await long.tamper("delete from audit_chain where number > $1", left)
    assert (await long.verify()).broken == (left + 1, BreakKind.TRUNCATED)


async def test_a_head_that_is_published_while_the_chain_is_checked_is_not_missed(
    long: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its link may have come after the last one was read: that is no cut-off end."""
    genuine = audit_reading.links

    async def and_then_it_grows(connection: Connection) -> AsyncIterator[audit_reading.Row]:
        async for row in genuine(connection):
            yield row
        await long.sealed(1)

    monkeypatch.setattr(audit_reading, "links", and_then_it_grows)
    report = await long.verify()
    assert (report.entries, report.broken) == (LENGTH, None)
