"""A deployment for the life of a fixture; its logs stay where a test of the session failed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from tests.local.deployment import Deployment
from tests.stack.broker import Broker
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres
from tests.support.plugin import WORKER


@contextmanager
def deployed(
    request: pytest.FixtureRequest,
    name: str,
    servers: tuple[EmbeddedPostgres, Broker],
    *,
    more: Mapping[str, str],
    sandbox: Sequence[str],
    kind: type[Deployment] = Deployment,
) -> Iterator[Deployment]:
    """Every role as a process of its own, and the double, started."""
    with Stack() as stack:
        deployment = kind(
            stack,
            return_port=free_port(),
            servers=servers,
            name=f"{name}{WORKER}",
            more=more,
            sandbox_options=list(sandbox),
        )
        yield deployment.start()
    if not request.session.testsfailed:
        deployment.remove_logs()
