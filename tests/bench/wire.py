"""HTTP/1.1 over raw sockets, just enough for POST requests and answers with a ``Content-Length``."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import cast

PATH = "/webhooks/metriport"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = (
    f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "x-metriport-signature: {}\r\n{}Content-Length: {}\r\n\r\n"
)
Answered = Callable[["Client", int], None]


def requests(bodies: Sequence[tuple[bytes, bytes]], *, keep: bool = True) -> list[bytes]:
    """The requests as they go over the wire; without ``keep`` the connection is for one of them."""
    more = "" if keep else "Connection: close\r\n"
    return [_HEAD.format(made.decode(), more, len(body)).encode() + body for made, body in bodies]


class Client(asyncio.Protocol):
    """One connection, one request at a time. A status of 0 is a connection that broke off."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered
        self._buffer = b""
        self._waits = False
        self.is_open = True
        """A server may close an idle connection; ours does so 5 s after a connection without a head."""
        self._transport: asyncio.WriteTransport

    def send(self, request: bytes) -> None:
        """Send; ``answered`` is called when the whole answer is there."""
        self._waits = True
        self._transport.write(request)

    def close(self) -> None:
        """Close without a further call of ``answered``."""
        self._waits = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: a part of an answer."""
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and length and len(body) >= int(length[1]):
            self._buffer = b""
            self._finish(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """asyncio: the connection is gone."""
        self.is_open = False
        self._finish(0)

    def _finish(self, status: int) -> None:
        if self._waits:
            self._waits = False
            self._answered(self, status)


async def connect(port: int, answered: Answered) -> Client:
    """A connection to a port of this machine."""
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: Client(answered), "127.0.0.1", port)
    return client


class Asker:
    """Asks a port one thing after the other, on a connection that it opens again when it has to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._client: Client | None = None
        self._answer: asyncio.Future[int]

    async def ask(self, request: bytes) -> int:
        """The status of the answer; 0 where nobody listens or the connection broke off."""
        try:
            if self._client is None or not self._client.is_open:
                self._client = await connect(self._port, self._answered)
        except OSError:
            return 0
        self._answer = asyncio.get_running_loop().create_future()
        self._client.send(request)
        return await self._answer

    def close(self) -> None:
        """Close the connection; what is under way stays without an answer."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _answered(self, _: Client, status: int) -> None:
        self._answer.set_result(status)
