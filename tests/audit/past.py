"""Months that are over: entries and links with times of the past, as a sealer of then wrote them."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

from service.ias import audit
from service.ias.audit import GENESIS, Entry, Position
from service.store import audit_chain
from tests.audit.conftest import Ledger


def months_ago(count: int) -> date:
    """The first day of the month that was so many months ago."""
    return audit.months_after(datetime.now(UTC).date().replace(day=1), -count)


async def month(ledger: Ledger, first_day: date, count: int) -> None:
    """A month with so many entries, all chained, in partitions of its own."""
    assert await ledger.owner.fetchval("select audit_provide($1)", first_day)
    at = datetime.combine(first_day, time(12), UTC)
    made = [Entry(uuid4(), at, "session_used", b"r" * 32, uuid4(), b"box") for _ in range(count)]
    insert = "insert into audit_entry values ($1, $2, $3, $4, $5, $6)"
    async with ledger.database.transaction() as unit:
        for entry in made:
            await unit.conn.execute(insert, *entry)
        last = await audit_chain.last(unit)
        after = GENESIS if last is None else Position(last.number, last.hash)
        links = audit.chain(after, made, at + timedelta(seconds=1))
        await audit_chain.append(unit, links, [])
