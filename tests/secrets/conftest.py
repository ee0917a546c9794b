"""A deployment of its own: its logs and its topics hold nothing but what these tests did."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.local.deployment import Deployment
from tests.processes.scene import Scene, open_scene
from tests.stack.broker import Broker
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres
from tests.support.plugin import WORKER


@pytest.fixture(scope="session")
def deployment(postgres: EmbeddedPostgres, broker: Broker) -> Iterator[Deployment]:
    """Every role as a process of its own, and the double with short steps."""
    with Stack() as stack:
        deployment = Deployment(
            stack,
            return_port=free_port(),
            servers=(postgres, broker),
            name=f"secrets{WORKER}",
            more={"LOG_LEVEL": "debug", "LOG_FORMAT": "json"},
            sandbox_options=["--step-seconds", "0.1"],
        )
        yield deployment.start()
    deployment.remove_logs()


@pytest.fixture
async def scene(deployment: Deployment) -> AsyncIterator[Scene]:
    """An application, people and the vendor's control API for one test."""
    async with open_scene(deployment) as opened:
        yield opened
