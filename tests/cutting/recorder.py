"""A server that records what it received to the byte, and answers with bytes given to it."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.support.waiting import until

_END_OF_HEAD: Final = b"\r\n\r\n"


def answer(
    status: str = "200 OK",
    body: bytes = b"{}",
    *fields: str,
    content_type: str = "application/json",
) -> bytes:
    """An answer with its length said."""
    head = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *fields, "", ""]).encode() + body


STARTED: Final = answer(body=b'{"requestId":"r","status":"processing"}')
"""Work was begun: what nobody may lose without knowing."""


@dataclass(frozen=True)
class Received:
    """One complete request."""

    line: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Every value that a header has."""
        return [value for key, value in self.fields if key.lower() == name]


@dataclass
class Recorder:
    """What the server was sent, and what it answers."""

    answer: bytes = field(default_factory=answer)
    answers: bool = True
    keeps_open: bool = False
    """Leave the connection open after the answer, as a server that keeps connections alive."""
    impatient: bool = False
    """Answer the first bytes that come, whatever they are."""
    port: int = 0
    connections: int = 0
    bytes_read: int = 0
    """All bytes that ever arrived, in whole requests or not."""
    requests: list[Received] = field(default_factory=list)
    open: set["_Connection"] = field(default_factory=set)

    def url(self, scheme: str = "http") -> str:
        """Where it listens."""
        return f"{scheme}://127.0.0.1:{self.port}"

    def marks(self) -> Counter[int]:
        """How often each request arrived as a whole, by the number that ``calls.marked`` gave it."""
        return Counter(int(mark) for one in self.requests for mark in one.values("traceparent"))

    async def idle(self, connections: int = 0) -> None:
        """Wait until so many connections have come and all have ended: nothing more can arrive."""
        await until(lambda: self.connections >= connections and not self.open)


class _Connection(asyncio.Protocol):
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._data = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._recorder.connections += 1
        self._recorder.open.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._recorder.open.discard(self)

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        self._data += data
        self._recorder.bytes_read += len(data)
        request, self._data = _complete(self._data)
        if request is not None:
            self._recorder.requests.append(request)
        if (request is not None and self._recorder.answers) or self._recorder.impatient:
            self._answer(self.transport)

    def _answer(self, transport: asyncio.Transport) -> None:
        transport.write(self._recorder.answer)
        if not self._recorder.keeps_open:
            transport.close()


def _complete(data: bytes) -> tuple[Received | None, bytes]:
    """The first request and what follows it; none as long as a byte of it is missing."""
    head, end, rest = data.partition(_END_OF_HEAD)
    if not end:
        return None, data
    line, *lines = head.decode("latin-1").split("\r\n")
    fields = tuple(
        (name, value.strip()) for name, _, value in (one.partition(":") for one in lines)
    )
    length = next((int(value) for name, value in fields if name.lower() == "content-length"), 0)
    if len(rest) < length:
        return None, data
    return Received(line, fields, rest[:length]), rest[length:]


@asynccontextmanager
async def recording(tls: ssl.SSLContext | None = None) -> AsyncIterator[Recorder]:
    """A recorder on a port of its own."""
    recorder = Recorder()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(recorder), "127.0.0.1", 0, ssl=tls
    )
    recorder.port = server.sockets[0].getsockname()[1]
    try:
        yield recorder
    finally:
        server.close()
        for connection in list(recorder.open):
            if connection.transport is not None:
                connection.transport.abort()
        await recorder.idle()
        await server.wait_closed()
