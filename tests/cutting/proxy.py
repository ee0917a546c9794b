"""A TCP proxy that passes so many bytes of one direction and then cuts both connections.

It is exact: the byte after the cut reaches nobody. Cutting is either orderly (FIN) or a reset (RST).
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from tests.support.waiting import until

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Way(Enum):
    """A direction, named by what goes there in HTTP."""

    REQUEST = "request"
    RESPONSE = "response"


class How(Enum):
    """What both ends see at the cut."""

    FIN = "fin"
    RST = "rst"


@dataclass(frozen=True)
class Cut:
    """Cut when byte number ``after`` (from 0) of a direction arrives; the bytes before it pass.

    A direction that has no such byte is cut right after its last one. ``how`` is ``None`` for a connection
    that is half open: neither end is told, and nothing passes any more.
    """

    way: Way
    after: int
    how: How | None


@dataclass
class Proxy:
    """Where it listens, what it will do to the next connections, and what has passed."""

    upstream: int
    cut: Cut | None = None
    in_single_bytes: bool = False
    """Write every byte on its own, so that no end receives a message in one piece."""
    port: int = 0
    dialled: int = 0
    """Connections made to the server."""
    passed: dict[Way, int] = field(default_factory=dict)
    """Bytes that passed on the newest connection."""
    open: set["_End"] = field(default_factory=set)

    def url(self, scheme: str = "http") -> str:
        """Where to connect instead."""
        return f"{scheme}://127.0.0.1:{self.port}"

    async def idle(self) -> None:
        """Wait until every connection is over."""
        await until(lambda: not self.open)


class _Link:
    """Both ends of one proxied connection."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.cut = proxy.cut
        self.ends: dict[Way, _End] = {}
        """Where the bytes of a direction are written to."""
        self.passed = proxy.passed = {Way.REQUEST: 0, Way.RESPONSE: 0}
        self.silent = False

    def forward(self, way: Way, data: bytes) -> None:
        if self.silent:
            return
        cut = self.cut if self.cut is not None and self.cut.way is way else None
        part = data if cut is None else data[: cut.after - self.passed[way]]
        self.passed[way] += len(part)
        if part:
            self.ends[way].write(part, singly=self.proxy.in_single_bytes)
        if cut is not None and self.passed[way] >= cut.after:
            self.break_off(cut.how)

    def break_off(self, how: How | None) -> None:
        if how is None:
            self.silent = True
            return
        for end in self.ends.values():
            end.close(how)


class _End(asyncio.Protocol):
    def __init__(self, link: _Link, reads: Way) -> None:
        self._link = link
        self._reads = reads
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport
        self._link.proxy.open.add(self)
        self._link.ends[Way.RESPONSE if self._reads is Way.REQUEST else Way.REQUEST] = self

    def data_received(self, data: bytes) -> None:
        self._link.forward(self._reads, data)

    def connection_lost(self, _: Exception | None) -> None:
        self._link.proxy.open.discard(self)
        self._link.break_off(How.FIN)

    def write(self, data: bytes, *, singly: bool) -> None:
        assert self._transport is not None
        for piece in [data[at : at + 1] for at in range(len(data))] if singly else [data]:
            self._transport.write(piece)

    def close(self, how: How) -> None:
        assert self._transport is not None
        if how is How.FIN:
            self._transport.close()
        elif not self._transport.is_closing():
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()


class _Front(_End):
    """The client's end: reads nothing before the connection to the server stands."""

    def __init__(self, proxy: Proxy, dialling: set[asyncio.Task[None]]) -> None:
        super().__init__(_Link(proxy), Way.REQUEST)
        self._dialling = dialling

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self._transport is not None
        self._transport.pause_reading()
        task = asyncio.ensure_future(self._dial())
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    async def _dial(self) -> None:
        assert self._transport is not None
        await asyncio.get_running_loop().create_connection(
            lambda: _End(self._link, Way.RESPONSE), "127.0.0.1", self._link.proxy.upstream
        )
        self._link.proxy.dialled += 1
        if self._transport.is_closing():  # the client did not wait
            self._link.break_off(How.FIN)
        else:
            self._transport.resume_reading()


@asynccontextmanager
async def proxied(upstream: int) -> AsyncIterator[Proxy]:
    """A proxy in front of a port of this machine."""
    proxy = Proxy(upstream)
    dialling: set[asyncio.Task[None]] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Front(proxy, dialling), "127.0.0.1", 0
    )
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await asyncio.gather(*dialling)
        for end in list(proxy.open):
            end.close(How.RST)
        await proxy.idle()
        await server.wait_closed()
