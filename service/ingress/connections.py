"""What aiohttp does not do for connections: a deadline for heads, a cap, and silence about garbage.

aiohttp 3.14 has no deadline for a request head and no cap (9,000 half heads were all still held after
10 s), logs and echoes the lines it cannot parse, fails at an ``Expect`` that it cannot echo, and drops the
rest of a body when it shuts down. Each is mended here, by overriding the methods that asyncio and aiohttp
call; no timer runs per byte, and one for all heads (``heads``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from itertools import islice
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
from typing import Any, Final

import structlog
from aiohttp import web

from service.ingress.heads import HeadClock
from service.ingress.limits import KIB
from service.ingress.responses import SERVER, STRICT
from service.telemetry import metrics

HEAD_SECONDS: Final = 5.0
"""From the connection, or from a head's first byte on a kept one, to the head's end. The vendor waits 5 s
for the whole answer, so a slower head is of no use to anybody."""

HEAD_BYTES: Final = 16 * KIB
"""Of one head. aiohttp bounds lines (8,190 bytes) and their number (128), which is 1 MiB together; the
largest of ours is a browser's return, with a long query and a cookie of 4 KiB."""

UNREAD_SECONDS: Final = 10.0
"""For a client to take more of an answer that fills the socket's buffer."""

RECEIVE_BYTES: Final = 64 * KIB
"""Read at once from a connection. asyncio's 256 KiB are read from every ready connection before any
handler can refuse: for 1,000 connections that would be 256 MiB."""

BACKLOG: Final = 2048
"""Connections that the kernel completes before we accept them (Linux caps it at net.core.somaxconn).
asyncio accepts as many in one turn of the loop."""

_OTHER_FILES: Final = 256
_LOOKED_AT: Final = 100

log = structlog.get_logger()


def most_connections(wanted: int) -> int:
    """As many as wanted, unless the limit of open files leaves room for fewer.

    A turn of the loop may accept ``BACKLOG`` more before the cap is looked at.
    """
    files, _ = getrlimit(RLIMIT_NOFILE)
    if files == RLIM_INFINITY:
        return wanted
    return min(wanted, max(files - BACKLOG - _OTHER_FILES, files // 2))


class GuardedConnection(web.RequestHandler):
    """One connection. It waits for a head, or handles a request, or is about to close."""

    __slots__ = ("_guard", "_head_bytes", "_heads", "_is_counted", "_unread_timer")

    def __init__(self, guard: "GuardedServer", **options: Any) -> None:  # noqa: ANN401 - aiohttp's own
        super().__init__(guard, **options)
        self._guard = guard
        self._heads = 0
        self._head_bytes = 0
        self._unread_timer: asyncio.TimerHandle | None = None
        self._is_counted = False

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a head, complete or begun."""
        waiter = self._waiter
        return waiter is not None and not waiter.done() and not self._messages

    def cut(self, why: str) -> None:
        """Close it now, without an answer."""
        metrics.CONNECTIONS_CUT.labels(why).inc()
        self._stop_timers()
        self.force_close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is open."""
        if not self._guard.makes_room():
            metrics.CONNECTIONS_CUT.labels("refused").inc()
            assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of TCP
            transport.abort()
            return
        if hasattr(transport, "max_size"):
            transport.max_size = RECEIVE_BYTES
        super().connection_made(transport)
        metrics.CONNECTIONS.inc()
        self._is_counted = True
        self._guard.heads.start(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """asyncio: the connection is closed. Nobody is left to wait for the rest of a refused body."""
        self._stop_timers()
        task, is_answered = self._task_handler, self._current_request is None
        super().connection_lost(exc)
        # Not by the task: one that ends by itself is forgotten before the connection.
        if self._is_counted:
            metrics.CONNECTIONS.dec()
            self._is_counted = False
        if task is not None and is_answered:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came. Those of a body under way count also while we shut down."""
        closing = self._close, self._force_close
        if any(closing) and self._is_reading():
            self._close = self._force_close = False
            try:
                super().data_received(data)
            finally:
                self._close, self._force_close = closing
        else:
            super().data_received(data)
        if data:
            self._watch_head(len(data))

    def pause_writing(self) -> None:
        """asyncio: the client does not take what we write."""
        super().pause_writing()
        self._unread_timer = self._loop.call_later(UNREAD_SECONDS, self._give_up_writing)

    def resume_writing(self) -> None:
        """asyncio: the client took enough of it."""
        super().resume_writing()
        self._stop_unread()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - holds the bytes that could not be parsed
    ) -> web.StreamResponse:
        """aiohttp: the request could not be parsed (400) or its handler failed. Nothing is echoed."""
        if status == HTTPStatus.BAD_REQUEST:
            metrics.REFUSED.labels("malformed").inc()
        else:
            log.error("http.handler_failed", status=status, exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        response = web.Response(status=status, headers={"Server": SERVER})
        response.force_close()
        return response

    def _watch_head(self, size: int) -> None:
        if self._request_count != self._heads:
            self._heads = self._request_count
            self._stop_head()
        elif self.is_idle:
            self._head_bytes += size
            if self._head_bytes > HEAD_BYTES:
                self.cut("long_head")
            elif self not in self._guard.heads:
                self._guard.heads.start(self)

    def _stop_head(self) -> None:
        self._head_bytes = 0
        self._guard.heads.stop(self)

    def _stop_timers(self) -> None:
        self._stop_head()
        self._stop_unread()

    def _stop_unread(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _give_up_writing(self) -> None:
        metrics.CONNECTIONS_CUT.labels("unread").inc()
        if self.transport is not None:
            self.transport.abort()

    def _is_reading(self) -> bool:
        request = self._current_request
        return request is not None and self.connected and not request.content.is_eof()


_Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def _refusing_strange_expectations(handle: _Handle) -> _Handle:
    """417 for an ``Expect`` that is not ASCII, before aiohttp looks at it.

    A route can have a handler for expectations, what no route matches cannot: aiohttp's own repeats what
    was sent, and bytes that are no UTF-8 fail it with 500.
    """

    async def refuse_or_handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("expect", "").isascii():
            return await handle(request)
        headers = {**STRICT, "Server": SERVER}
        return web.Response(status=HTTPStatus.EXPECTATION_FAILED, headers=headers)

    return refuse_or_handle


class GuardedServer(web.Server):
    """The connections of one port, at most ``most`` of them."""

    def __init__(self, plain: web.Server, *, most: int) -> None:
        super().__init__(
            _refusing_strange_expectations(plain.request_handler),
            request_factory=plain.request_factory,
            **plain._kwargs,  # noqa: SLF001 - no other way to the runner's options
        )
        self._most = most
        self.heads: HeadClock[GuardedConnection] = HeadClock(
            self._loop, lambda late: late.cut("half_head"), seconds=HEAD_SECONDS
        )

    def __call__(self) -> web.RequestHandler:
        """asyncio: a protocol for a new connection."""
        return GuardedConnection(self, loop=self._loop, **self._kwargs)

    def makes_room(self) -> bool:
        """Whether one more may come: if need be, an idle one goes.

        First who has waited longest with a head, so that crowds of silent connections push out each
        other; then the newest that is idle between requests, so that old clients stay.
        """
        if len(self._connections) < self._most:
            return True
        newest = islice(reversed(self._connections), _LOOKED_AT)
        idle = (one for one in newest if isinstance(one, GuardedConnection) and one.is_idle)
        victim = next(iter(self.heads), None) or next(idle, None)
        if victim is None:
            return False
        victim.cut("evicted")
        return True


class GuardedRunner(web.AppRunner):
    """An ``AppRunner`` whose connections are guarded."""

    __slots__ = ("_most",)

    def __init__(self, app: web.Application, *, connections: int, **options: Any) -> None:  # noqa: ANN401 - aiohttp's own
        super().__init__(app, **options)
        self._most = most_connections(connections)

    async def _make_server(self) -> web.Server:
        return GuardedServer(await super()._make_server(), most=self._most)
