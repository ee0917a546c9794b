"""A deployment of its own: its logs and its topics hold nothing but what these tests did."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.local.deployment import Deployment
from tests.processes.scene import Scene, open_scene
from tests.stack.broker import Broker
from tests.stack.postgres import EmbeddedPostgres
from tests.support.deploying import deployed


@pytest.fixture(scope="session")
def deployment(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, broker: Broker
) -> Iterator[Deployment]:
    """Every role as a process of its own, and the double with short steps."""
    more = {"LOG_LEVEL": "debug", "LOG_FORMAT": "json"}
    quick = ("--step-seconds", "0.1")
    with deployed(request, "secrets", (postgres, broker), more=more, sandbox=quick) as started:
        yield started


@pytest.fixture
async def scene(deployment: Deployment) -> AsyncIterator[Scene]:
    """An application, people and the vendor's control API for one test."""
    async with open_scene(deployment) as opened:
        yield opened
