"""A sandbox on a real port, a receiver for its webhooks, and a person's browser."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.metriport_sandbox import Sandbox, SandboxConfig, create_sandbox

from .driver import KEY, Driver, Received, check_signature

STEP = 0.005


@dataclass
class Clock:
    """A clock that moves when told to."""

    now: float = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now


class Gate:
    """Stands in for waiting: the sandbox's background work goes on when the gate opens."""

    def __init__(self) -> None:
        self._open = asyncio.Event()

    async def __call__(self, _seconds: float) -> None:
        await self._open.wait()

    def open(self) -> None:
        self._open.set()


@dataclass
class Receiver:
    """Takes webhooks, and checks each signature with code of its own."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    status: int = 200
    pong: str | None = None
    delay: asyncio.Event | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        check_signature(raw, request.headers["x-metriport-signature"])
        webhook = Received(raw, dict(request.headers))
        async with self._news:
            self.received.append(webhook)
            self._news.notify_all()
        if self.delay is not None:
            await self.delay.wait()
        ping = webhook.body.get("ping")
        body = {"pong": self.pong or ping} if ping else {}
        headers = {"Location": self.url} if self.status == 302 else {}
        return web.json_response(body, status=self.status, headers=headers)

    def of(self, type_: str) -> list[Received]:
        return [webhook for webhook in self.received if webhook.type == type_]

    async def next(self, type_: str, count: int = 1) -> list[Received]:
        """Wait until so many webhooks of a type have come."""
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: len(self.of(type_)) >= count)
        return self.of(type_)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    taker = Receiver()
    app = web.Application()
    app.router.add_post("/hook", taker.handle)
    async with TestServer(app) as server:
        taker.url = str(server.make_url("/hook"))
        yield taker


Start = Callable[..., Awaitable[Driver]]


@pytest.fixture
async def start(clock: Clock, receiver: Receiver) -> AsyncIterator[Start]:
    """Start a sandbox with the given configuration; it must not have failed itself."""
    started: list[tuple[TestServer, aiohttp.ClientSession, Sandbox]] = []

    async def begin(**changes: Any) -> Driver:
        values: dict[str, Any] = {
            "allow_loopback": True,
            "step_seconds": STEP,
            "retry_pause_seconds": 0.0,
            "webhook_url": receiver.url,
            "webhook_key": KEY,
            "clock": clock,
            "seed": 7,
        }
        sandbox = create_sandbox(SandboxConfig(**(values | changes)))
        server = TestServer(sandbox.app)
        await server.start_server()
        jar = aiohttp.CookieJar(unsafe=True)
        http = aiohttp.ClientSession(str(server.make_url("/")), cookie_jar=jar)
        started.append((server, http, sandbox))
        return Driver(sandbox, http)

    yield begin
    for server, http, sandbox in started:
        await http.close()
        await server.close()
        assert sandbox.background.failures == []


@pytest.fixture
async def api(start: Start) -> Driver:
    """A sandbox with the tests' usual configuration."""
    return await start()
