"""Reading a webhook's body: as received, no more than there is room for, and not for long.

The signature is over the received bytes, so nothing is unpacked. Whatever can be refused from the head
alone is refused before a byte of the body is read, and before ``100 Continue`` invites it.
"""

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import web

from service.ingress.limits import BODY_SECONDS, MAX_BODY, SMALL_BODY, Limits, Overloaded, Room
from service.telemetry import metrics

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """This request is answered without its body."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self._status = status

    def answer(self) -> web.Response:
        """The empty answer. The connection ends with it: the rest of the body is nobody's."""
        response = web.Response(status=self._status)
        response.force_close()
        return response


def check_head(request: web.Request, limits: Limits) -> None:
    """Refuse what the head already shows to be unacceptable, or too much for now.

    Raises:
        Refused: 415, 413 or 503.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    announced = request.content_length or 0
    if announced > MAX_BODY:
        raise _too_large()
    try:
        limits.bodies.check(announced)
        if announced > SMALL_BODY:  # no ping
            limits.webhooks.check()
    except Overloaded:
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE) from None


async def read(request: web.Request, room: Room) -> bytes:
    """The body.

    Raises:
        Refused: 413 or 503 while it grows, 408 when it is not complete in time, 400 when it breaks off
            or its chunks are none.
    """
    try:
        if request.content.is_eof():  # it came with its head: there is nothing to wait for
            return _taken(request.content.read_nowait(), room)
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request, room)
    except TimeoutError:
        metrics.WEBHOOKS.labels("other", "too_slow").inc()
        raise Refused(HTTPStatus.REQUEST_TIMEOUT) from None
    except Overloaded:
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE) from None
    except (web.RequestPayloadError, ConnectionError):
        metrics.WEBHOOKS.labels("other", "broken_off").inc()
        raise Refused(HTTPStatus.BAD_REQUEST) from None


async def answer_expectation(request: web.Request, limits: Limits) -> web.Response | None:
    """``Expect: 100-continue`` (RFC 9110 §10.1.1): invite only a body that would be read."""
    if request.headers.get("expect", "").lower() != "100-continue":
        return Refused(HTTPStatus.EXPECTATION_FAILED).answer()
    try:
        check_head(request, limits)
    except Refused as refused:
        return refused.answer()
    await request.writer.write(_CONTINUE)
    request.writer.output_size = 0  # aiohttp: the answer itself has not begun
    return None


async def _read(request: web.Request, room: Room) -> bytes:
    """One growing buffer: a list of the parts could be many times the size of a body in crumbs."""
    body = bytearray()
    while part := await request.content.readany():
        size = len(body) + len(part)
        if size > MAX_BODY:
            raise _too_large()
        room.grow(size)
        body += part
    return bytes(body)


def _taken(body: bytes, room: Room) -> bytes:
    if len(body) > MAX_BODY:
        raise _too_large()
    room.grow(len(body))
    return body


def _too_large() -> Refused:
    metrics.WEBHOOKS.labels("other", "too_large").inc()
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
