"""``POST /webhooks/metriport``: verify, make durable, answer. Nothing else happens here.

Metriport never retries a webhook by itself, so 200 means durable and anything else is an honest no:
401 not signed by a key of ours, 413 too large, 415 encoded, 408 too slow, 503 not durable.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Final

import msgspec
import structlog
from aiohttp import web

from schemas.problems import InvalidMessageError
from service.bus.publisher import PublishError
from service.ingress.durability import Durable
from service.ingress.peek import Peeked, peek
from service.ingress.records import Recorder
from service.telemetry import metrics
from service.webhook_signature import HEADER, matching_slot

PATH: Final = "/webhooks/metriport"
MAX_BODY: Final = 32 * 1024 * 1024
BODY_SECONDS: Final = 1.0
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

log = structlog.get_logger()


class WebhookHandler:
    """Answers one webhook at a time; holds no state of its own."""

    def __init__(
        self, keys: Callable[[], tuple[bytes, ...]], recorder: Recorder, durable: Durable
    ) -> None:
        self._keys = keys
        self._recorder = recorder
        self._durable = durable

    async def receive(self, request: web.Request) -> web.Response:
        """Answer the request."""
        body = await _read_body(request)
        with metrics.WEBHOOK_ACK.time():
            return await self._answer(request, body)

    async def _answer(self, request: web.Request, body: bytes) -> web.Response:
        signatures = request.headers.getall(HEADER, [])
        slot = matching_slot(self._keys(), body, signatures)
        if slot is None:
            metrics.WEBHOOKS.labels("other", "unauthenticated").inc()
            return web.Response(status=401)
        metrics.WEBHOOK_KEY_SLOT.labels(str(slot)).inc()
        try:
            peeked = peek(body)
        except InvalidMessageError:
            return await self._put_aside(body)
        if peeked.ping is not None:
            metrics.WEBHOOKS.labels("ping", "answered").inc()
            return _json({"pong": peeked.ping})
        return await self._publish(request, body, signatures[0], peeked)

    async def _publish(
        self, request: web.Request, body: bytes, signature: str, peeked: Peeked
    ) -> web.Response:
        record = self._recorder.webhook(body, signature, peeked, _trace(request))
        try:
            await self._durable.keep(record)
        except PublishError:
            metrics.WEBHOOKS.labels(peeked.known_type, "not_durable").inc()
            log.warning("webhook.not_durable", type=peeked.known_type)
            return web.Response(status=503)
        metrics.WEBHOOKS.labels(peeked.known_type, "published").inc()
        log.info("webhook.published", type=peeked.known_type, sealed=peeked.seal, size=len(body))
        return _json({})

    async def _put_aside(self, body: bytes) -> web.Response:
        """Authentic but not understood: the vendor did its part, operators will look."""
        try:
            await self._durable.keep(self._recorder.not_understood(body))
        except PublishError:
            metrics.WEBHOOKS.labels("other", "not_durable").inc()
            return web.Response(status=503)
        metrics.WEBHOOKS.labels("other", "not_understood").inc()
        metrics.DEAD_LETTERS.labels("unreadable").inc()
        log.error("webhook.not_understood", size=len(body))
        return _json({})


async def _read_body(request: web.Request) -> bytes:
    """The body as received: the signature is over these bytes, so nothing is unpacked."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise web.HTTPUnsupportedMediaType
    length = request.content_length
    if length is not None and length > MAX_BODY:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY, length)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        metrics.WEBHOOKS.labels("other", "too_slow").inc()
        raise web.HTTPRequestTimeout from None


def _trace(request: web.Request) -> str | None:
    """The W3C trace, if it is one: the header is not signed, and must not make a record unreadable."""
    found = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    return found[0] if found else None


def _json(content: dict[str, str]) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")
