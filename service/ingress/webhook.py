"""``POST /webhooks/metriport``: verify, make durable, answer. Nothing else happens here.

Metriport never retries a webhook by itself, so 200 means durable and anything else is an honest no:
401 not signed by a key of ours, 413 too large, 415 encoded, 408 too slow, 503 not durable or too much
at once (see ``limits``). A ping is answered whatever the state of everything else.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Final, NamedTuple, get_args

import msgspec
import structlog
from aiohttp import web

from schemas.cloudevents import well_formed
from schemas.metriport.webhooks import KNOWN_TYPES
from schemas.problems import InvalidMessageError
from service.bus.publisher import PublishError
from service.ingress import body
from service.ingress.body import Refused
from service.ingress.durability import Durable
from service.ingress.limits import KIB, Limit, Limits, Overloaded
from service.ingress.peek import peek
from service.ingress.records import OutRecord, Recorder
from service.telemetry import metrics, traces
from service.webhook_signature import HEADER, matching_slot

PATH: Final = "/webhooks/metriport"
_AT_ONCE: Final = 256 * KIB
"""Up to here a body is verified, read and sealed on the event loop: about 10 ms."""
_SLOTS: Final = 3
"""Keys that are watched from the start: the newest, and those that a rotation keeps behind it."""

_counter = cache(metrics.WEBHOOKS.labels)
_slot_counter = cache(metrics.WEBHOOK_KEY_SLOT.labels)

log = structlog.get_logger()


class _Work(NamedTuple):
    """A webhook that is authentic and no ping, as the record to keep."""

    record: OutRecord
    type: str
    sealed: bool
    size: int
    understood: bool = True


class WebhookHandler:
    """Answers webhooks."""

    def __init__(
        self,
        keys: Callable[[], tuple[bytes, ...]],
        recorder: Recorder,
        durable: Durable,
        limits: Limits,
    ) -> None:
        self._keys = keys
        self._recorder = recorder
        self._durable = durable
        self._limits = limits
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="large-bodies")

    async def receive(self, request: web.Request) -> web.Response:
        """Answer the request."""
        try:
            body.check_head(request, self._limits)
            with self._limits.bodies.room(request.content_length or 0) as room:
                return await self._answer(request, await body.read(request, room))
        except Refused as refused:
            return refused.answer()

    async def expect(self, request: web.Request) -> web.Response | None:
        """Answer ``Expect: 100-continue``."""
        return await body.answer_expectation(request, self._limits)

    async def _answer(self, request: web.Request, content: bytes) -> web.Response:
        with metrics.WEBHOOK_ACK.time():
            looked_at = await self._look_at(request, content)
            del content  # a sealed record is a copy: only one of the two is held while it is kept
            if isinstance(looked_at, web.Response):
                return looked_at
            try:
                with self._limits.webhooks:
                    return await self._keep(looked_at)
            except Overloaded:
                _counter(looked_at.type, "overloaded").inc()
                return web.Response(status=503)

    async def _look_at(self, request: web.Request, content: bytes) -> web.Response | _Work:
        """Verify and read the body; a big one in a thread, one after the other, lest the others wait."""
        trace = traces.current() or traceparent_of(request)
        look = partial(self._judge, self._keys(), request, content, trace)
        if len(content) <= _AT_ONCE:
            return look()
        return await asyncio.get_running_loop().run_in_executor(self._aside, look)

    def _judge(
        self, keys: tuple[bytes, ...], request: web.Request, content: bytes, trace: str | None
    ) -> web.Response | _Work:
        signatures = request.headers.getall(HEADER, [])
        slot = matching_slot(keys, content, signatures)
        if slot is None:
            _counter("other", "unauthenticated").inc()
            return web.Response(status=401)
        _slot_counter(str(slot)).inc()
        size = len(content)
        try:
            peeked = peek(content)
        except InvalidMessageError:
            record = self._recorder.not_understood(content)
            return _Work(record, "other", sealed=True, size=size, understood=False)
        if peeked.ping is not None:
            _counter("ping", "answered").inc()
            return _json({"pong": peeked.ping})
        record = self._recorder.webhook(content, signatures[0], peeked, trace)
        return _Work(record, peeked.known_type, sealed=peeked.seal, size=size)

    async def _keep(self, work: _Work) -> web.Response:
        try:
            await self._durable.keep(work.record)
        except PublishError:
            _counter(work.type, "not_durable").inc()
            log.warning("webhook.not_durable", type=work.type)
            return web.Response(status=503)
        if work.understood:
            _counter(work.type, "published").inc()
            log.info(
                "webhook.published",
                type=work.type,
                sealed=work.sealed,
                size=work.size,
                message=work.record.attributes.id,
            )
        else:  # the vendor did its part, operators will look
            _counter(work.type, "not_understood").inc()
            metrics.DEAD_LETTERS.labels("unreadable").inc()
            log.error("webhook.not_understood", size=work.size)
        return _json({})


def begin_at_zero() -> None:
    """Make the series that alerts watch: one that appears with its first event never *increases*.

    A webhook that is not taken counts by its type, so each type has its series.
    """
    _counter("other", "unauthenticated")
    for known_type in (*KNOWN_TYPES, "other"):
        for result in ("not_durable", "overloaded"):
            _counter(known_type, result)
    for limit in get_args(Limit):
        metrics.REFUSED.labels(limit)
    for slot in range(_SLOTS):
        _slot_counter(str(slot))
    metrics.DEAD_LETTERS.labels("unreadable")


def traceparent_of(request: web.Request) -> str | None:
    """The W3C trace, if it is one: the header is not signed."""
    return well_formed(request.headers.get("traceparent", ""))


def _json(content: dict[str, str]) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), content_type="application/json")
