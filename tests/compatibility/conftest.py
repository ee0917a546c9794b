"""A deployment of its own: its database is changed under its feet."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.local.deployment import Deployment
from tests.processes.scene import Scene, open_scene
from tests.stack.broker import Broker
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres
from tests.support.plugin import WORKER


@pytest.fixture(scope="module")
def upgraded(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, broker: Broker
) -> Iterator[Deployment]:
    """Every role as a process of its own."""
    with Stack() as stack:
        deployment = Deployment(
            stack,
            return_port=free_port(),
            servers=(postgres, broker),
            name=f"compatibility{WORKER}",
            more={"DELIVERY_HEALER": "false"},
            sandbox_options=["--step-seconds", "0.1"],
        )
        yield deployment.start()
    if not request.session.testsfailed:
        deployment.remove_logs()


@pytest.fixture
async def scene(upgraded: Deployment) -> AsyncIterator[Scene]:
    """An application, people and the vendor's control API."""
    async with open_scene(upgraded) as opened:
        yield opened
