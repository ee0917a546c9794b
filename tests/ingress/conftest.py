"""One set of topics for the folder; an ingress and a tap for every test that asks."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.bus import topics
from tests.ingress.running import Ingress, ingress_settings, running
from tests.ingress.tap import Tap
from tests.stack.broker import Broker


@pytest.fixture(scope="session")
def topic_prefix(broker: Broker) -> str:
    """Topics of our own on the session's broker."""
    prefix = f"ingress-{uuid.uuid4().hex[:8]}."
    settings = ingress_settings(broker.bootstrap_servers, prefix)
    with ThreadPoolExecutor(1) as aside:  # a loop of its own, away from the tests' loops
        made = aside.submit(asyncio.run, topics.apply(settings.kafka, replication=1)).result()
    assert made
    return prefix


@pytest.fixture
async def ingress(broker: Broker, topic_prefix: str) -> AsyncIterator[Ingress]:
    """An ingress that is connected to the broker."""
    async with running(ingress_settings(broker.bootstrap_servers, topic_prefix)) as started:
        yield started


@pytest.fixture
async def tap(broker: Broker, topic_prefix: str) -> AsyncIterator[Tap]:
    """Reads back what is published from here on."""
    async with Tap(broker.bootstrap_servers, topic_prefix) as opened:
        yield opened
