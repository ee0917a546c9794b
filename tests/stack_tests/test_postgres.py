"""Postgres runs, crashes and returns with what was committed, and goes without a trace."""

from collections.abc import Iterator

import asyncpg
import pytest

from tests.stack.alive import is_alive
from tests.stack.postgres import EmbeddedPostgres, PostgresError
from tests.stack.waiting import wait_until

pytestmark = pytest.mark.edge


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    postgres.create_database("stack_test")
    yield "stack_test"
    postgres.drop_database("stack_test")


async def test_it_takes_a_connection_over_loopback(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(postgres.dsn())
    try:
        assert await connection.fetchval("show max_connections") == "200"
        assert await connection.fetchval("show synchronous_commit") == "on"
    finally:
        await connection.close()


async def test_a_crash_breaks_the_session_and_keeps_the_committed_row(
    postgres: EmbeddedPostgres, database: str
) -> None:
    connection = await asyncpg.connect(postgres.dsn(database))
    await connection.execute("create table note (text text)")
    await connection.execute("insert into note values ('committed')")
    postgres.crash()
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await connection.fetchval("select 1")
    connection.terminate()

    postgres.restart()

    assert postgres.execute("select text from note", database=database) == "committed"


def test_a_restart_of_a_running_server_keeps_port_and_rows(
    postgres: EmbeddedPostgres, database: str
) -> None:
    port = postgres.port
    postgres.execute("create table t as select 7 as n", database=database)
    postgres.restart()
    assert postgres.port == port
    assert postgres.execute("select n from t", database=database) == "7"


def test_a_database_is_copied_from_a_template_and_given_to_its_owner(
    postgres: EmbeddedPostgres, database: str
) -> None:
    postgres.execute("create table seeded as select 1 as n", database=database)
    postgres.execute('create role "the-owner" login')
    postgres.create_database("copy", template=database, owner="the-owner")
    try:
        owner = "select datdba::regrole from pg_database where datname = 'copy'"
        assert postgres.execute("select n from seeded", database="copy") == "1"
        assert postgres.execute(owner) == '"the-owner"'
    finally:
        postgres.drop_database("copy")
        postgres.execute('drop role "the-owner"')


async def test_dropping_a_database_ends_the_sessions_on_it(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("short_lived")
    connection = await asyncpg.connect(postgres.dsn("short_lived"))
    postgres.drop_database("short_lived")
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await connection.fetchval("select 1")
    connection.terminate()


def test_a_wrong_statement_is_reported_with_what_postgres_said(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(PostgresError, match='relation "nowhere" does not exist'):
        postgres.execute("select * from nowhere")


def test_a_url_quotes_what_a_url_must_quote(postgres: EmbeddedPostgres) -> None:
    url = postgres.dsn("d b", user="a@b", password="p/w:")
    assert url == f"postgresql://a%40b:p%2Fw%3A@127.0.0.1:{postgres.port}/d%20b"


def test_stopping_leaves_no_process_and_no_folder() -> None:
    with EmbeddedPostgres() as server:
        folder = server.folder
        pids = [int(line) for line in server.execute("select pid from pg_stat_activity").split()]
        pids.append(server.pid)
        assert len(pids) > 2
    assert not folder.exists()
    wait_until(lambda: not any(map(is_alive, pids)), within=5, what="all of its processes gone")


def test_a_failed_start_shows_the_log_and_leaves_no_folder() -> None:
    server = EmbeddedPostgres(settings={"shared_buffers": "nonsense"})
    with pytest.raises(PostgresError, match="shared_buffers"):
        server.start()
    with pytest.raises(PostgresError, match="not started"):
        _ = server.folder
