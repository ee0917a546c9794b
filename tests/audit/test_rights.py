"""Append-only: by grants for the service, by triggers for whoever owns the database."""

import re
from pathlib import Path
from typing import cast
from uuid import uuid4

import asyncpg
import pytest

from consumers.auditing import verification
from service.crypto.signing import SignatureCheck
from service.store.pool import Connection
from tests.audit.conftest import RETENTION_MONTHS, Ledger
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


async def test_who_checks_the_audit_needs_to_read_it_and_nothing_else(ledger: Ledger) -> None:
    """The grants are those that ``deploy/README.md`` tells the owner to make for the nightly check."""
    told = (Path(__file__).parents[2] / "deploy" / "README.md").read_text(encoding="utf-8")
    (grant,) = re.findall(r"grant select on ([a-z_, ]+) to metriport_ias_audit;", told)
    assert set(grant.split(", ")) == set(TABLES)
    await ledger.sealed(3)
    role = f"checks_{uuid4().hex}"
    await ledger.owner.execute(f"create role {role}")
    try:
        await ledger.owner.execute(f"grant select on {grant} to {role}")
        await ledger.owner.execute(f"set role {role}")
        check = SignatureCheck((ledger.signer.public_key,))
        connection = cast("Connection", ledger.owner)  # of no pool, and the same to read by
        report = await verification.verify(connection, check, RETENTION_MONTHS)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ledger.owner.execute("select * from subject")
    finally:
        await ledger.owner.execute("reset role")
        await ledger.owner.execute(f"drop owned by {role}")
        await ledger.owner.execute(f"drop role {role}")
    assert (report.broken, report.entries) == (None, 3)
