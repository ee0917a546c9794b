"""Append-only: by grants for the service, by triggers for whoever owns the database."""

import asyncpg
import pytest

from tests.audit.conftest import Ledger
from tests.support import people

TABLES = ("audit_entry", "audit_chain", "audit_head", "audit_checkpoint")


def _changes(table: str) -> tuple[str, ...]:
    """Every way to change what a table holds."""
    column = "box" if table == "audit_entry" else "hash"
    return (
        f"update {table} set {column} = ''",  # noqa: S608 - names above
        f"delete from {table}",  # noqa: S608 - as above
        f"truncate {table}",
    )


@pytest.fixture
async def filled(ledger: Ledger) -> Ledger:
    """A ledger with a row in each table."""
    await ledger.sealed(2)
    checkpoint = "insert into audit_checkpoint values ('2020-01-01', 1, 1, '', '', '', '')"
    await ledger.owner.execute(checkpoint)
    return ledger


@pytest.mark.parametrize("table", TABLES)
async def test_the_service_adds_rows_and_can_neither_change_nor_remove_one(
    filled: Ledger, table: str
) -> None:
    assert await people.count(filled.database, table) > 0
    for statement in (*_changes(table), f"alter table {table} disable trigger all"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await people.sql(filled.database, statement)


@pytest.mark.parametrize("table", TABLES)
async def test_the_owner_cannot_change_a_row_by_mistake(filled: Ledger, table: str) -> None:
    for statement in _changes(table):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="never changed"):
            await filled.owner.execute(statement)


async def test_no_partition_is_a_way_around(filled: Ledger) -> None:
    rows = await filled.owner.fetch(
        "select inhrelid::regclass::text as name from pg_inherits"
        " where inhparent::regclass::text like 'audit%' and inhparent in"
        " (select oid from pg_class where relkind = 'p')"
    )
    assert len(rows) >= 3 * 5, "four months and a default, of three tables"
    for row in rows:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="never changed"):
            await filled.owner.execute(f"truncate {row['name']}")
        for right in ("update", "delete", "truncate"):
            may = "select has_table_privilege('ias_service', $1, $2)"
            assert not await filled.owner.fetchval(may, row["name"], right)


async def test_the_ingress_sees_nothing_and_provides_nothing(filled: Ledger) -> None:
    await filled.owner.execute("set role ias_ingress")
    reads = [f"select * from {table}" for table in TABLES]  # noqa: S608 - names above
    for statement in (*reads, "select audit_provide(now()::date)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await filled.owner.execute(statement)


async def test_a_month_without_partitions_is_written_all_the_same(ledger: Ledger) -> None:
    """An audit that cannot be written would stop everybody's work."""
    at = await ledger.owner.fetchval("select now() + interval '20 years'")
    insert = "insert into audit_entry values (gen_random_uuid(), $1, 'x', null, null, '')"
    await ledger.owner.execute(insert, at)
    where = "select tableoid::regclass::text from audit_entry"
    assert await ledger.owner.fetchval(where) == "audit_entry_default"
    assert await ledger.owner.fetchval("select audit_provide($1)", at.date()) is False
