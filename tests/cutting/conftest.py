"""The client under test, a recording server, and a proxy between them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from service.gateway.client import VendorClient, open_client
from tests.support.settings import metriport

from .calls import API_KEY
from .proxy import Proxy, proxied
from .recorder import Recorder, recording

Connect = Callable[..., Awaitable[VendorClient]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Open a client for a URL; ``seconds`` is METRIPORT_TIMEOUT."""
    async with AsyncExitStack() as stack:

        async def begin(url: str, *, seconds: float = 20, key: str = API_KEY) -> VendorClient:
            settings = metriport(url, key, "facility", seconds)
            return await stack.enter_async_context(open_client(settings))

        yield begin


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    """A server that accepts everything."""
    async with recording() as server:
        yield server


@pytest.fixture
async def proxy(recorder: Recorder) -> AsyncIterator[Proxy]:
    """A proxy in front of it."""
    async with proxied(recorder.port) as between:
        yield between
