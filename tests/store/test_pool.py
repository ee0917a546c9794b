"""Connections: deadlines, cancelled work, dead links and TLS (RELIABILITY of asyncpg; I1, I6)."""

import ast
import asyncio
import random
import re
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

import consumers
import migrations
import service
from service.settings.secret import Secret
from service.store import inbox
from service.store.listen import listen
from service.store.pool import TRANSIENT, Database, LimitsLostError, limits_hold, open_database
from service.store.transport import is_protected
from service.store.unit import Vault
from tests.stack.postgres import EmbeddedPostgres
from tests.store.proxy import Proxy, proxied
from tests.support import people
from tests.support.plugin import SERVICE_ROLE
from tests.support.waiting import until

PACKAGES = (service, consumers, migrations)
ALLOWED = {"service/store/pool.py", "migrations/env.py", "migrations/run.py"}
SIZE = 2


@pytest.fixture
async def proxy(postgres: EmbeddedPostgres) -> AsyncIterator[Proxy]:
    async with proxied(lambda: postgres.port) as opened:
        yield opened


@pytest.fixture
async def far(proxy: Proxy, migrated_database: str, vault: Vault) -> AsyncIterator[Database]:
    """The database behind the proxy."""
    url = f"postgresql://{SERVICE_ROLE}@127.0.0.1:{proxy.port}/{migrated_database}"
    async with open_database(Secret(url), SIZE, vault) as opened:
        yield opened
        proxy.open()


async def test_a_commit_that_was_cancelled_may_be_committed_and_the_inbox_knows(
    far: Database, database: Database, proxy: Proxy
) -> None:
    """I1: the server commits, the answer never comes; the second run changes nothing."""

    async def work() -> bool:
        async with far.transaction() as unit:
            fresh = await inbox.remember(unit, "metriport", "message-1")
            proxy.answers.clear()
            return fresh

    running = asyncio.create_task(work())

    async def committed() -> bool:
        return await people.count(database, "inbox") == 1

    await until(committed)
    running.cancel()
    proxy.open()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await work_again(far) is False
    assert await people.count(database, "inbox") == 1


async def work_again(far: Database) -> bool:
    """The same message, delivered again."""
    async with far.transaction() as unit:
        return await inbox.remember(unit, "metriport", "message-1")


async def test_an_exhausted_pool_is_given_up_within_its_deadline(far: Database) -> None:
    """Without a deadline of its own, an acquire waits for ever."""
    async with far.connection(), far.connection():
        began = time.monotonic()
        with pytest.raises(TRANSIENT):
            async with far.connection():
                pass
        assert time.monotonic() - began < 3.0
    async with far.connection() as connection:
        assert await connection.fetchval("select 1") == 1


async def test_a_black_hole_is_noticed_and_the_pool_heals(far: Database, proxy: Proxy) -> None:
    """The deadline of a statement is spent twice, the second time on its cancellation."""
    proxy.swallow()
    began = time.monotonic()
    with pytest.raises(TRANSIENT):
        async with far.connection() as connection:
            await connection.fetchval("select 1", timeout=0.5)
    assert time.monotonic() - began < 3.0
    proxy.open()

    async def heals() -> bool:
        with suppress(*TRANSIENT):
            async with far.connection() as connection:
                return bool(await connection.fetchval("select true"))
        return False

    await until(heals)


async def test_a_dead_listening_link_is_noticed_and_replaced(
    far: Database, database: Database, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LISTEN is a hint: it may stop for a while, and comes back by itself."""
    monkeypatch.setattr("service.store.listen._HEARTBEAT_SECONDS", 0.2)
    monkeypatch.setattr("service.store.listen._ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("service.store.listen._RECONNECT_SECONDS", 0.05)
    wake = asyncio.Event()
    with capture_logs() as lines:
        listening = asyncio.create_task(listen(far, "channel", wake))

        async def heard() -> bool:
            await people.sql(database, "notify channel")
            return wake.is_set()

        try:
            await until(heard)
            proxy.swallow()
            await until(lambda: any(line["event"] == "store.listen_lost" for line in lines))
            proxy.open()
            wake.clear()
            await until(heard)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def test_the_server_ends_statements_that_nobody_waits_for(database: Database) -> None:
    """``command_timeout`` is the client's; the server has one of its own."""
    async with database.connection() as connection:
        assert await connection.fetchval("show statement_timeout") == "5s"
        assert await connection.fetchval("show idle_in_transaction_session_timeout") == "30s"


async def test_a_session_whose_limits_a_pooler_dropped_is_refused(
    postgres: EmbeddedPostgres,
) -> None:
    """P7: pgbouncer that is told to ignore startup parameters gives such a session."""
    connection = await asyncpg.connect(postgres.dsn())
    try:
        with pytest.raises(LimitsLostError, match=r"statement_timeout=0 and not 5000 ms"):
            await limits_hold(connection)
        await connection.execute("set statement_timeout = '5s'")
        with pytest.raises(LimitsLostError, match="idle_in_transaction"):
            await limits_hold(connection)
        await connection.execute("set idle_in_transaction_session_timeout = '30s'")
        await limits_hold(connection)
    finally:
        await connection.close()


async def test_random_cancellations_lose_no_connection(database: Database) -> None:
    """1,000 units of work, each cancelled at any of its awaits; the pool is whole after that."""
    chance = random.Random(seed := random.randrange(2**32))

    async def work(number: int) -> None:
        async with database.transaction() as unit:
            await inbox.remember(unit, "cancelled", str(number))

    for start in range(0, 1000, 8):
        tasks = [asyncio.create_task(work(number)) for number in range(start, start + 8)]
        for task in tasks:
            await asyncio.sleep(chance.random() * 0.002)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    pool = database._pool  # noqa: SLF001 - its own counts are what this is about

    async def whole() -> bool:
        return pool.get_idle_size() == pool.get_size()

    try:
        await until(whole)
    except TimeoutError:
        pytest.fail(f"a connection is lost, with seed {seed}")
    async with asyncio.timeout(10):
        held = [await pool.acquire() for _ in range(pool.get_max_size())]
        for connection in held:
            assert await connection.fetchval("select 1") == 1
            await pool.release(connection)


async def test_a_changed_table_inside_a_transaction_is_a_reason_to_repeat_it(
    database: Database, owner: asyncpg.Connection
) -> None:
    """A migration beside running code: the whole transaction is repeated, and then it works."""
    await owner.execute("create table changing (a int); grant select on changing to public")
    async with database.connection() as connection:
        await connection.fetch("select * from changing")
        await owner.execute("alter table changing add column b text")
        with pytest.raises(TRANSIENT):
            async with connection.transaction():
                await connection.fetch("select * from changing")
        async with connection.transaction():
            assert await connection.fetch("select * from changing") == []


async def test_verify_full_refuses_a_server_without_tls(
    postgres: EmbeddedPostgres, migrated_database: str, vault: Vault
) -> None:
    url = f"{postgres.dsn(migrated_database)}?sslmode=verify-full&sslrootcert={_roots()}"
    with pytest.raises((ConnectionError, asyncpg.PostgresError)):
        async with open_database(Secret(url), 1, vault):
            pass


def _roots() -> str:
    found = ssl.get_default_verify_paths().cafile
    return found or "/etc/ssl/certs/ca-certificates.crt"


@pytest.mark.parametrize(
    ("url", "protected"),
    [
        ("postgresql://a:b@127.0.0.1:5432/x", True),
        ("postgresql://a@localhost/x", True),
        ("postgresql://a@[::1]:5432/x", True),
        ("postgresql:///x?host=/run/postgresql", True),
        ("postgresql://a:b@db/x", False),
        ("postgresql://a:b@db/x?sslmode=prefer", False),
        ("postgresql://a:b@db/x?sslmode=require", False),
        ("postgresql://a:b@db/x?sslmode=verify-full", True),
        ("postgresql://a:b@localhost:1,db:2/x", False),
        ("postgresql://a:b@localhost/x?host=db", False),
    ],
)
def test_a_far_database_has_to_prove_its_name(url: str, protected: bool) -> None:  # noqa: FBT001 - a table
    assert is_protected(url) is protected


def test_nothing_takes_a_connection_but_through_the_pool_module() -> None:
    """``pool.fetch*`` and a bare acquire wait for ever; neither is within anybody's reach."""
    found = set()
    for package in PACKAGES:
        root = Path(str(package.__file__)).parent
        for path in root.rglob("*.py"):
            name = str(path.relative_to(root.parent))
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and node.attr in {"create_pool", "_pool"}:
                    found.add(name)
                if isinstance(node, ast.Attribute) and ast.unparse(node) == "asyncpg.connect":
                    found.add(name)
    assert "service/store/pool.py" in found
    assert found <= ALLOWED


STATE = re.compile(
    r"\s*(set\s|prepare\s|declare\s|create\s+temp)|.*\b(set_config|pg_(try_)?advisory_lock(_shared)?)\(",
    re.IGNORECASE | re.DOTALL,
)


@pytest.mark.parametrize(
    ("sql", "leaves"),
    [
        ("set statement_timeout = 0", True),
        ("select set_config('a', 'b', false)", True),
        ("select pg_advisory_lock(1)", True),
        ("create temporary table t ()", True),
        ("select pg_advisory_xact_lock(1)", False),
        ("update subject set legal_hold = $2", False),
    ],
)
def test_what_leaves_a_state_in_a_session_is_recognised(sql: str, leaves: bool) -> None:  # noqa: FBT001 - a case of a table
    assert bool(STATE.match(sql)) is leaves


def test_no_statement_leaves_a_state_in_its_session() -> None:
    """A connection goes back to the pool as it is; asyncpg's RESET would cost each transaction a round trip."""
    for folder in ("store", "gateway", "bus", "ingress"):
        for path in (Path(str(service.__file__)).parent / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    prose = node.value.strip().partition(" ")[0].istitle()  # a docstring
                    assert prose or not STATE.match(node.value), (path.name, node.value[:60])
