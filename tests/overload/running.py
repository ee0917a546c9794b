"""The public application in the test's own loop, with a store that a test can hold."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from consumers.processes.lifecycle import serve
from service.crypto.sealing import Sealer
from service.ingress.app import public_app
from service.ingress.limits import CONNECTIONS
from service.ingress.records import OutRecord, Recorder
from tests.overload import keys
from tests.overload.server import no_page
from tests.stack.ports import free_port

SECONDS = 10.0


@dataclass
class Held:
    """Keeps nothing before ``release`` is set."""

    release: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    async def keep(self, record: OutRecord) -> None:
        assert record.value
        self.waiting += 1
        await self.release.wait()


def application(store: Held) -> web.Application:
    return public_app(
        webhook_keys=lambda: (keys.WEBHOOK_KEY.encode(),),
        link_keys=keys.LINK_KEYS,
        recorder=Recorder(Sealer(keys.SEALING_KEY), keys.MAC_KEYS),
        durable=store,
        find_page=no_page,
    )


@asynccontextmanager
async def running(store: Held, *, connections: int = CONNECTIONS) -> AsyncIterator[int]:
    """The port of an ingress; on the way out whatever the store holds is released."""
    port = free_port()
    async with serve(application(store), "127.0.0.1", port, connections=connections):
        try:
            yield port
        finally:
            store.release.set()


def released() -> Held:
    """A store that keeps at once."""
    store = Held()
    store.release.set()
    return store


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition is true."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


class Raw:
    """One connection, spoken to in bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Status and everything else of the next answer."""
        async with asyncio.timeout(SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            return int(head.split()[1]), head + await self._reader.readexactly(int(length or 0))

    async def ended(self, within: float = SECONDS) -> bytes:
        """What comes until the other side closes."""
        async with asyncio.timeout(within):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b""

    async def ask(self, data: bytes) -> int:
        """Send and return the status of the answer."""
        await self.send(data)
        return (await self.answer())[0]


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
