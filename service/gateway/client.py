"""The thin shell around aiohttp: one call is one request on a connection of its own, at most once.

A connection is never used twice, so "failed before it stood" is provably not sent. aiohttp would send a
GET again by itself when its connection breaks, on a fresh one too; that is turned off, because pacing
counts calls. Redirects are not followed, so secrets go to the configured host alone. What went wrong is
logged by the error's class only: error texts hold URLs, and URLs hold patients.
"""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from types import SimpleNamespace
from typing import Final

import aiohttp
import structlog
from yarl import URL

from service.gateway.call_classes import CallClass, class_of
from service.gateway.outcome import (
    Accepted,
    NotSent,
    Outcome,
    Unknown,
    VendorResponse,
    classify,
    title_of,
)
from service.gateway.protocol import VendorRequest
from service.settings.metriport import Metriport
from service.telemetry import metrics, traces
from service.telemetry.traces import Kind

USER_AGENT: Final = f"metriport-ias-gateway/{version('metriport-ias-gateway')}"

_CONNECT_SECONDS: Final = 5.0
_CONNECTIONS: Final = 32
"""More than the dispatcher has calls in flight: no call waits for a connection of another."""
_CHUNK: Final = 64 * 1024

log = structlog.get_logger()


class ConnectionBrokenError(aiohttp.ClientError):
    """A connection that stood broke. Not one of the errors after which aiohttp asks again."""


class AnswerTooLargeError(aiohttp.ClientError):
    """The answer went on past the limit of its class."""


Look = Callable[[str, VendorResponse], None]
"""Is shown every answer with its operation, before anything is made of it."""


def look_away(_operation: str, _answer: VendorResponse) -> None:
    """Nobody watches."""


class _Attempt:
    """One call, as far as it got."""

    connected = False


class VendorClient:
    """Calls Metriport with the account's key."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: Metriport, look: Look = look_away
    ) -> None:
        self._session = session
        self._look = look
        self._base = settings.api_url
        self._key = settings.api_key
        self._longest = settings.timeout

    async def call(self, operation: str, request: VendorRequest) -> Outcome:
        """Make one call and say what came of it; never raises for a fault of network or vendor."""
        with (
            metrics.VENDOR_SECONDS.labels(operation).time(),
            traces.span(f"metriport {operation}", Kind.CLIENT, operation=operation) as span,
        ):
            outcome = await self._attempt(operation, request)
            span.set(outcome=type(outcome).__name__.lower())
        metrics.VENDOR_CALLS.labels(operation, type(outcome).__name__.lower()).inc()
        return outcome

    async def _attempt(self, operation: str, request: VendorRequest) -> Outcome:
        attempt = _Attempt()
        try:
            answer = await self._send(request, class_of(operation, request.method), attempt)
        except (aiohttp.ClientError, OSError) as error:  # a timeout is an OSError
            return _broken(operation, attempt, error)
        self._look(operation, answer)
        outcome = classify(answer, datetime.now(UTC))
        if not isinstance(outcome, Accepted):
            log.info(
                "gateway.call_not_accepted",
                operation=operation,
                status=answer.status,
                title=title_of(answer),
                outcome=type(outcome).__name__.lower(),
            )
        return outcome

    async def _send(
        self, request: VendorRequest, kind: CallClass, attempt: _Attempt
    ) -> VendorResponse:
        url = URL(f"{self._base}{request.path}?{request.query}".rstrip("?"), encoded=True)
        async with self._session.request(
            request.method,
            url,
            headers={**request.headers, "x-api-key": self._key.reveal()},
            data=request.body,
            allow_redirects=False,
            timeout=_timeout(min(kind.longest, self._longest)),
            trace_request_ctx=attempt,
        ) as response:
            body = await _read(response, kind.largest_answer)
            lowered = {name.lower(): value for name, value in response.headers.items()}
            return VendorResponse(status=response.status, headers=lowered, body=body)


def _broken(operation: str, attempt: _Attempt, error: Exception) -> Outcome:
    outcome = Unknown() if attempt.connected else NotSent()
    log.warning(
        "gateway.call_broken",
        operation=operation,
        error=type(error).__name__,
        outcome=type(outcome).__name__.lower(),
    )
    return outcome


def _timeout(longest: timedelta) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=longest.total_seconds(), sock_connect=_CONNECT_SECONDS)


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The whole answer, however many packets it comes in.

    Raises:
        AnswerTooLargeError: There is more of it; the rest is not read.
    """
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > most:
            raise AnswerTooLargeError
    return bytes(body)


async def _at_most_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Turn the errors that make aiohttp send a GET, PUT or DELETE again into one that does not."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        raise ConnectionBrokenError from None


async def _connected(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    """The connection stands, TLS included; from here on nobody can prove that nothing was sent."""
    context.trace_request_ctx.connected = True


def _tracing() -> aiohttp.TraceConfig:
    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(_connected)
    tracing.on_connection_reuseconn.append(_connected)
    return tracing


@asynccontextmanager
async def open_client(settings: Metriport, look: Look = look_away) -> AsyncIterator[VendorClient]:
    """A client for the life of a process. TLS is verified; ``SSL_CERT_FILE`` may name other roots."""
    connector = aiohttp.TCPConnector(
        force_close=True, limit=_CONNECTIONS, ssl=ssl.create_default_context()
    )
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={
            "user-agent": USER_AGENT,
            "accept": "application/json",
            "accept-encoding": "identity",
        },
        middlewares=(_at_most_once,),
        trace_configs=[_tracing()],
    ) as session:
        yield VendorClient(session, settings, look)
