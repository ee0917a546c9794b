"""The guards of a connection, each by itself, with short deadlines."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from consumers.processes import lifecycle
from service.ingress import connections
from service.ingress.connections import BACKLOG, GuardedConnection, GuardedServer, most_connections
from tests.overload import keys
from tests.overload.running import connected, released, running, until

PING = keys.request(keys.ping())


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("begun", [b"", b"P", b"\r\n", PING[:40]])
async def test_a_connection_without_a_complete_head_is_cut(begun: bytes) -> None:
    async with running(released()) as port, connected(port) as client:
        await client.send(begun)
        assert await client.ended(within=1) == b""


@pytest.mark.usefixtures("hasty")
async def test_the_next_head_of_a_kept_connection_has_the_same_deadline() -> None:
    async with running(released()) as port, connected(port) as client:
        assert await client.ask(PING) == 200
        await asyncio.sleep(0.5)  # idle is fine
        assert await client.ask(PING) == 200
        await client.send(PING[:40])
        assert await client.ended(within=1) == b""


@pytest.mark.usefixtures("hasty")
async def test_a_head_in_crumbs_is_read_and_its_clock_stops() -> None:
    async with running(released()) as port, connected(port) as client:
        for crumb in (PING[:1], PING[1:50], PING[50:-3]):
            await client.send(crumb)
            await asyncio.sleep(0.05)
        assert await client.ask(PING[-3:]) == 200
        await asyncio.sleep(0.4)
        assert await client.ask(PING) == 200


async def test_a_head_that_grows_too_long_is_cut() -> None:
    async with running(released()) as port, connected(port) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        for number in range(4):
            await client.send(f"X-{number}: ".encode() + b"x" * 6_000 + b"\r\n")
            await asyncio.sleep(0.02)
        assert await client.ended(within=1) == b""


async def test_at_the_cap_the_longest_silent_goes_and_old_clients_stay() -> None:
    async with running(released(), connections=10) as port, AsyncExitStack() as stack:
        old = await stack.enter_async_context(connected(port))
        assert await old.ask(PING) == 200
        silent = [await stack.enter_async_context(connected(port)) for _ in range(9)]
        await asyncio.sleep(0.05)
        new = await stack.enter_async_context(connected(port))
        assert await new.ask(PING) == 200
        assert await silent[0].ended(within=1) == b""
        assert await silent[-1].ask(PING) == 200
        assert await old.ask(PING) == 200


async def test_at_the_cap_with_none_silent_the_newest_idle_goes() -> None:
    async with running(released(), connections=3) as port, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(port)) for _ in range(3)]
        for client in clients:
            assert await client.ask(PING) == 200
        new = await stack.enter_async_context(connected(port))
        assert await new.ask(PING) == 200
        assert await clients[2].ended(within=1) == b""
        assert await clients[0].ask(PING) == 200


async def test_at_the_cap_with_all_at_work_a_new_one_is_refused() -> None:
    async with running(released(), connections=2) as port, AsyncExitStack() as stack:
        busy = [await stack.enter_async_context(connected(port)) for _ in range(2)]
        for client in busy:
            await client.send(PING[:-5])
        await asyncio.sleep(0.05)
        new = await stack.enter_async_context(connected(port))
        assert await new.ended(within=0.5) == b""
        assert await busy[1].ask(PING[-5:]) == 200


async def test_who_does_not_take_the_answers_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "UNREAD_SECONDS", 0.3)

    async def much(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 16 * keys.MIB)

    app = web.Application()
    app.router.add_get("/", much)
    async with lifecycle.serve(app, "127.0.0.1", 0) as runner:
        (address,) = runner.addresses
        async with connected(address[1]) as client:
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await until(lambda: runner.server is not None and not runner.server.connections)


@pytest.mark.parametrize(
    ("files", "most"), [(1_048_576, 8_000), (20_000, 8_000), (4_096, 2_048), (1_024, 512)]
)
def test_the_cap_stays_below_the_limit_of_open_files(
    monkeypatch: pytest.MonkeyPatch, files: int, most: int
) -> None:
    monkeypatch.setattr(connections, "getrlimit", lambda _: (files, files))
    assert most_connections(8_000) == most


async def test_keep_alive_backlog_and_lingering_are_what_we_say() -> None:
    """H2, H9, H10: aiohttp's own are 3,630 s, 60 s and 128."""
    async with lifecycle.serve(web.Application(), "127.0.0.1", 0) as runner:
        server = runner.server
        assert isinstance(server, GuardedServer)
        connection = server()
        assert isinstance(connection, GuardedConnection)
        assert connection.keepalive_timeout == 65
        assert connection._lingering_time == 1.0  # noqa: SLF001 - aiohttp has no other way to see it
        assert connection._read_bufsize == 64 * 1024  # noqa: SLF001
        (site,) = runner.sites
        assert site._backlog == BACKLOG == 2048  # noqa: SLF001
        assert runner._shutdown_timeout == 8  # noqa: SLF001
