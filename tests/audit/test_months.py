"""A month that is over is closed by a checkpoint; once archived, checking starts behind it."""

import asyncpg
import pytest

from service.ias.audit_check import Break, BreakKind
from service.store.pool import Database
from tests.audit.conftest import Ledger
from tests.audit.past import month, months_ago
from tests.support import people

CLOSED = "select month, first_number, last_number from audit_checkpoint order by month"


@pytest.fixture
async def years(ledger: Ledger) -> Ledger:
    """Three entries of 80 months ago, two of 79, and one of now."""
    await month(ledger, months_ago(80), 3)
    await month(ledger, months_ago(79), 2)
    await ledger.sealed(1)
    return ledger


async def _month_before(ledger: Ledger) -> None:
    """Partitions of the month before the first, so that the advice can be followed to the letter."""
    assert await ledger.owner.fetchval("select audit_provide($1)", months_ago(81))


async def _drop(ledger: Ledger, months: int) -> None:
    """Archive one month, as ``audit expired`` advises."""
    name = f"audit_chain_{months_ago(months):%Y_%m}"
    await ledger.owner.execute(f"drop table {name}")
    await ledger.owner.execute(f"drop table audit_entry_{months_ago(months + 1):%Y_%m}")


async def test_months_that_are_over_are_closed_once(years: Ledger) -> None:
    expected = [(months_ago(80), 1, 3), (months_ago(79), 4, 5)]
    assert [tuple(row) for row in await years.owner.fetch(CLOSED)] == expected
    await years.sealed(1)
    assert [tuple(row) for row in await years.owner.fetch(CLOSED)] == expected
    report = await years.verify()
    assert (report.broken, report.entries, report.heads_matched) == (None, 7, 4)


async def test_this_month_is_not_closed(ledger: Ledger, database: Database) -> None:
    await ledger.sealed(3)
    assert await people.count(database, "audit_checkpoint") == 0


async def test_behind_an_archived_month_the_rest_is_still_checked(years: Ledger) -> None:
    await _month_before(years)
    await _drop(years, 80)
    report = await years.verify()
    assert (report.broken, report.first, report.last, report.entries) == (None, 4, 6, 3)
    await years.tamper("update audit_chain set hash = '' where number = 5")
    assert (await years.verify()).broken == Break(5, BreakKind.ALTERED)


async def test_a_month_that_should_still_be_kept_is_missed(years: Ledger) -> None:
    await _month_before(years)
    await _drop(years, 80)
    found = await years.verify(retention_months=80)
    assert found.broken == Break(1, BreakKind.MISSING)
    assert (await years.verify(retention_months=79)).broken is None


async def test_a_month_that_was_dropped_without_its_checkpoint_is_missed(years: Ledger) -> None:
    await _month_before(years)
    await _drop(years, 80)
    await years.tamper("delete from audit_checkpoint where last_number = 3")
    assert (await years.verify()).broken == Break(1, BreakKind.MISSING)


async def test_a_forged_checkpoint_is_not_believed(years: Ledger) -> None:
    await years.tamper("update audit_checkpoint set last_number = 4 where last_number = 3")
    assert (await years.verify()).broken == Break(4, BreakKind.BAD_SIGNATURE)


async def test_a_month_between_two_others_cannot_be_dropped_unseen(years: Ledger) -> None:
    await years.owner.execute(f"drop table audit_chain_{months_ago(79):%Y_%m}")
    assert (await years.verify()).broken == Break(4, BreakKind.MISSING)


async def test_a_closed_month_is_closed_to_everyone(years: Ledger) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        async with years.database.transaction() as unit:
            await unit.conn.execute(
                "insert into audit_checkpoint values ($1, 1, 1, '', '', '', '')", months_ago(80)
            )


async def test_partitions_of_the_months_to_come_are_provided_by_the_service(
    ledger: Ledger,
) -> None:
    for table in ("audit_entry", "audit_chain", "audit_head"):
        await ledger.owner.execute(f"drop table {table}_{months_ago(-3):%Y_%m}")
    await ledger.sealer.provide()
    for table in ("audit_entry", "audit_chain", "audit_head"):
        name = f"{table}_{months_ago(-3):%Y_%m}"
        assert await ledger.owner.fetchval("select to_regclass($1)::text", name) == name
        may = "select has_table_privilege('ias_service', $1, 'insert')"
        assert await ledger.owner.fetchval(may, name)
