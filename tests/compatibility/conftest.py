"""A deployment of its own: its database is changed under its feet."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.local.deployment import Deployment
from tests.processes.scene import Scene, open_scene
from tests.stack.broker import Broker
from tests.stack.postgres import EmbeddedPostgres
from tests.support.deploying import deployed


@pytest.fixture(scope="module")
def upgraded(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, broker: Broker
) -> Iterator[Deployment]:
    """Every role as a process of its own."""
    more = {"DELIVERY_HEALER": "false"}
    quick = ("--step-seconds", "0.1")
    with deployed(
        request, "compatibility", (postgres, broker), more=more, sandbox=quick
    ) as started:
        yield started


@pytest.fixture
async def scene(upgraded: Deployment) -> AsyncIterator[Scene]:
    """An application, people and the vendor's control API."""
    async with open_scene(upgraded) as opened:
        yield opened
