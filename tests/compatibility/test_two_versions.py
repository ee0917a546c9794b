"""A migration runs while the version before it serves, and both serve together until the last is replaced."""

import re
from collections.abc import Iterator

import asyncpg
import pytest

from tests.compatibility.released import load, versions
from tests.processes.scene import Scene
from tests.store.test_plans import statements
from tests.support.plugin import SERVICE_ROLE

TABLES = """
select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
and c.relname <> 'alembic_version' order by c.relname
"""

PARAMETERS = """
select cardinality(parameter_types) from pg_prepared_statements where name = $1
"""

AHEAD = "insert into schema_level (level, serves_code_from) values (1000, 1)"


def additions(tables: list[str]) -> Iterator[str]:
    """What the next migration may do to any table: a column more, an index more, a table more."""
    for table in tables:
        yield f"alter table {table} add column of_the_next_release text not null default ''"
        yield f"create index on {table} (of_the_next_release)"
    yield "create table of_the_next_release (id bigint primary key)"


@pytest.mark.process
async def test_a_migration_that_adds_runs_in_the_midst_of_a_retrieval_and_the_version_before_goes_on(
    scene: Scene,
) -> None:
    """I4: no step is lost, and processes of the version before also start on the newer database."""
    member = await scene.member("upgraded")
    await member.proofed()
    tables = scene.sql(TABLES).split()
    assert {"network_query", "outbox", "inbox", "vendor_call"} <= set(tables)
    for statement in [*additions(tables), AHEAD]:
        scene.sql(statement)
    await member.answer_challenge(member.patient_id)
    for role in ("ingress", "consumers", "gateway"):
        assert await scene.stop(role) == 0
        await scene.start(role)
    await member.query(member.patient_id)
    assert "NetworkQueryFinished" in member.names()


async def broken(owner: asyncpg.Connection, run: dict[str, str]) -> dict[str, str]:
    """Which statements this database does not take from the service's role, and why."""
    found = {}
    await owner.execute(f"set role {SERVICE_ROLE}")  # explaining asks for its rights, too
    for number, (name, sql) in enumerate(run.items()):
        try:
            await owner.execute(f"prepare tried_{number} as {sql}")
            count = await owner.fetchval(PARAMETERS, f"tried_{number}")
            given = f"({', '.join(['null'] * count)})" if count else ""
            await owner.execute(f"explain execute tried_{number}{given}")
        except asyncpg.PostgresError as error:
            found[name] = type(error).__name__
    await owner.execute("reset role")
    return found


@pytest.mark.parametrize("version", versions())
async def test_the_newest_shape_takes_every_statement_of_each_release_that_it_says_it_serves(
    owner: asyncpg.Connection, version: str
) -> None:
    newest = "select serves_code_from from schema_level order by level desc limit 1"
    release = load(version)
    if await owner.fetchval(newest) > release.level:
        pytest.skip(f"the newest shape says that it does not serve {version}")
    assert len(release.statements) > 100
    assert await broken(owner, release.statements) == {}


@pytest.mark.parametrize(
    ("migration", "hit"),
    [
        ("alter table network_query drop column query_id cascade", "queries."),
        ("alter table outbox rename column body to content", "outbox_rows."),
        ("alter table spool rename to spooled", "spool."),
        ("revoke update on network_query from ias_service", "queries."),
    ],
)
async def test_a_migration_that_takes_something_away_is_found(
    owner: asyncpg.Connection, migration: str, hit: str
) -> None:
    """Planted: the version before would fail at its next statement."""
    await owner.execute(migration)
    found = await broken(owner, statements())
    assert any(name.startswith(hit) for name in found), found


async def test_every_column_that_was_added_since_is_one_that_an_older_insert_may_leave_out(
    owner: asyncpg.Connection,
) -> None:
    """Inserts name their columns: what they do not name must have a default, or may be null."""
    insert = re.compile(r"insert into (\w+)\s*(?:as \w+\s*)?\(([^)]*)\)", re.IGNORECASE)
    needed = await owner.fetch(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and is_nullable = 'NO' and column_default is null"
        " and is_identity = 'NO' and is_generated = 'NEVER'"
    )
    for version in versions():
        for name, sql in load(version).statements.items():
            for table, columns in insert.findall(sql):
                named = {column.strip() for column in columns.split(",")}
                wanted = {one["column_name"] for one in needed if one["table_name"] == table}
                assert wanted <= named, f"{version} {name}: {table} needs {wanted - named}"
