"""One deployment for the session (one for each worker); a scene for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.local.deployment import Deployment
from tests.processes.scene import Scene, open_scene
from tests.stack.broker import Broker
from tests.stack.postgres import EmbeddedPostgres
from tests.support.deploying import deployed

LIMITED = (
    "write-patient",
    "start-network-query",
    "network-query-hie",
    "network-query-pharmacy",
    "network-query-lab",
)


@pytest.fixture(scope="session")
def deployment(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, broker: Broker
) -> Iterator[Deployment]:
    """Every role as a process of its own, and the double with short steps and wide limits."""
    limits = [part for name in LIMITED for part in ("--limit", f"{name}=1000")]
    with deployed(
        request,
        "processes",
        (postgres, broker),
        more={"TREATMENT_ENABLED": "true", "DELIVERY_HEALER": "false"},
        sandbox=("--step-seconds", "0.1", "--patient-limit", "1000", *limits),
    ) as started:
        yield started


@pytest.fixture
async def scene(deployment: Deployment) -> AsyncIterator[Scene]:
    """An application, people and the vendor's control API for one test."""
    async with open_scene(deployment) as opened:
        yield opened
