"""The thin shell around aiohttp: one request, one answer, nothing followed, no POST repeated.

One fresh connection per call, so that "failed before it was connected" is provably not sent. Redirects
are not followed, so secrets go to the configured host alone. (aiohttp itself asks once more when the
connection of a GET breaks; a GET changes nothing, and none has a published limit.)
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import aiohttp
from yarl import URL

from service.gateway.outcome import NotSent, Outcome, Unknown, VendorResponse, classify
from service.gateway.protocol import VendorRequest
from service.settings.metriport import Metriport
from service.telemetry import metrics

_CONNECT_SECONDS: Final = 5.0
_MAX_ANSWER: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024
_NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class VendorClient:
    """Calls Metriport with the account's key."""

    def __init__(self, session: aiohttp.ClientSession, settings: Metriport) -> None:
        self._session = session
        self._base = settings.api_url
        self._key = settings.api_key

    async def call(self, operation: str, request: VendorRequest) -> Outcome:
        """Make one call and say what came of it; never raises for a fault of network or vendor."""
        with metrics.VENDOR_SECONDS.labels(operation).time():
            outcome = await self._send(request)
        metrics.VENDOR_CALLS.labels(operation, type(outcome).__name__.lower()).inc()
        return outcome

    async def _send(self, request: VendorRequest) -> Outcome:
        url = URL(f"{self._base}{request.path}?{request.query}".rstrip("?"), encoded=True)
        headers = {**request.headers, "x-api-key": self._key.reveal(), "accept": "application/json"}
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=request.body, allow_redirects=False
            ) as response:
                body = await _read(response)
                lowered = {name.lower(): value for name, value in response.headers.items()}
                answer = VendorResponse(status=response.status, headers=lowered, body=body)
                return classify(answer, datetime.now(UTC))
        except _NOT_SENT:
            return NotSent()
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError):
            return Unknown()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole answer, however many packets it comes in, cut at the limit."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > _MAX_ANSWER:
            break
    return bytes(body[:_MAX_ANSWER])


@asynccontextmanager
async def open_client(settings: Metriport) -> AsyncIterator[VendorClient]:
    """A client for the life of a process."""
    timeout = aiohttp.ClientTimeout(
        total=settings.timeout.total_seconds(), sock_connect=_CONNECT_SECONDS
    )
    connector = aiohttp.TCPConnector(force_close=True, limit=32)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield VendorClient(session, settings)
