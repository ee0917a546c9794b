"""What each database role may do: the ingress barely anything, the service works with all tables."""

import asyncpg
import pytest

from service.store.pool import Database
from tests.support import people

READABLE_BY_THE_INGRESS = {"hosted_page", "schema_level"}
WRITABLE_BY_THE_INGRESS = {"spool", "large_body"}
TABLES = "select tablename from pg_tables where schemaname = 'public'"
PARTITIONS = "select relname from pg_class where relispartition"
MAY = "select has_table_privilege($1, $2, $3)"


async def _tables(owner: asyncpg.Connection) -> set[str]:
    rows = await owner.fetch(TABLES)
    return {row["tablename"] for row in rows} - {"alembic_version"}


async def test_the_ingress_reads_hosted_pages_and_nothing_of_people(
    owner: asyncpg.Connection,
) -> None:
    """I7: a taken-over ingress finds no secret, no link and no status."""
    await owner.execute("set role ias_ingress")
    await owner.fetch("select * from hosted_page")
    for table in await _tables(owner) - READABLE_BY_THE_INGRESS:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.fetch(f"select * from {table}")  # noqa: S608 - names of the catalogue


@pytest.mark.parametrize("privilege", ["insert", "update", "delete", "truncate"])
async def test_the_ingress_adds_to_the_spool_and_writes_to_no_other_table(
    owner: asyncpg.Connection, privilege: str
) -> None:
    allowed = WRITABLE_BY_THE_INGRESS if privilege == "insert" else set()
    tables = await _tables(owner) | {"alembic_version"}
    granted = {
        table for table in tables if await owner.fetchval(MAY, "ias_ingress", table, privilege)
    }
    assert granted == allowed


async def test_the_ingress_cannot_press_a_button_for_a_person(owner: asyncpg.Connection) -> None:
    await owner.execute("set role ias_ingress")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("update hosted_page set state = 'ready', url_token = 'x'")


async def test_the_service_works_with_every_table(owner: asyncpg.Connection) -> None:
    """Partitions are reached through their table, and how tables are cut is the owner's alone."""
    partitions = {row["relname"] for row in await owner.fetch(PARTITIONS)}
    for table in await _tables(owner) - partitions - {"partition_plan"}:
        for privilege in ("select", "insert"):
            assert await owner.fetchval(MAY, "ias_service", table, privilege), (table, privilege)


async def test_the_service_changes_no_shape(database: Database) -> None:
    """The login of these tests is a member of ``ias_service`` and does the daily work with it."""
    await people.started_query(database, await people.person(database), "request-1")
    for statement in (
        "create table mine (id integer)",
        "drop table inbox",
        "alter table identity disable trigger all",
        "truncate inbox",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await people.sql(database, statement)


async def test_the_group_roles_cannot_log_in(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "select rolname, rolcanlogin, rolsuper, rolcreaterole from pg_roles"
        " where rolname in ('ias_service', 'ias_ingress')"
    )
    assert len(rows) == 2
    assert not any(any(row[1:]) for row in map(tuple, rows))
