"""A primary of the test's own, copies of it, and replicas of the gateway that reach whichever is primary."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from migrations.run import migrate
from service.crypto.keys import KeyRing
from service.gateway.client import open_client
from service.gateway.operations.common import Surroundings
from service.settings.failover import Failover, Policy
from service.settings.secret import Secret
from service.store.pool import Database, open_database
from service.store.unit import Vault
from tests.bench.dispatch_judge import judge
from tests.dispatch.conftest import Gateway, Vendor, vendor
from tests.metriport_sandbox import DEFAULT_API_KEY, DEFAULT_FACILITY_ID
from tests.stack.lifetime import Stack
from tests.stack.ports import LOOPBACK, free_port
from tests.stack.postgres import EmbeddedPostgres
from tests.support import people
from tests.support.people import Person
from tests.support.plugin import SERVICE_ROLE
from tests.support.settings import LINK_KEY, PUBLIC_URL, metriport, rules

__all__ = ["vendor"]

NAME = "ias"
QUERY = "start-network-query"


@dataclass
class Site:
    """Where Postgres may be: a primary, and the port of what may take over."""

    stack: Stack
    primary: EmbeddedPostgres
    spare_port: int

    @property
    def url(self) -> str:
        """Leads to whichever of the two is a primary, as a deployment's URL would."""
        hosts = f"{LOOPBACK}:{self.primary.port},{LOOPBACK}:{self.spare_port}"
        return f"postgresql://{SERVICE_ROLE}@{hosts}/{NAME}?target_session_attrs=primary"

    @asynccontextmanager
    async def open(self, vault: Vault, size: int = 4) -> AsyncIterator[Database]:
        """The database as a process of the service sees it."""
        async with open_database(Secret(self.url), size, vault) as opened:
            yield opened


@pytest.fixture
def site() -> Iterator[Site]:
    """A migrated primary."""
    with Stack() as stack:
        primary = stack.start(EmbeddedPostgres())
        primary.create_database(NAME)
        yield Site(stack, primary, free_port())


@pytest.fixture
async def served(site: Site, vault: Vault) -> AsyncIterator[Database]:
    """The database of whoever is primary, as the consumers would use it."""
    await migrate(site.primary.dsn(NAME))
    site.primary.execute(f"create role {SERVICE_ROLE} login in role ias_service")
    async with site.open(vault) as opened:
        yield opened


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What is logged; shown with every local, an outage's tracebacks take longer than the outage."""
    with capture_logs() as found:
        yield found


Begin = Callable[..., Awaitable[Gateway]]


@pytest.fixture
async def begin(site: Site, served: Database, vault: Vault, vendor: Vendor) -> AsyncIterator[Begin]:
    """Start a replica of the gateway, with connections of its own as a process has."""
    del served
    async with AsyncExitStack() as stack:

        async def start(policy: Policy = Policy.PAUSE, **changed_rules: Any) -> Gateway:
            settings = metriport(vendor.url, DEFAULT_API_KEY, DEFAULT_FACILITY_ID, 5.0)
            around = Surroundings(
                facility_id=settings.facility_id,
                public_url=PUBLIC_URL,
                link_keys=KeyRing((LINK_KEY,)),
                rules=rules(**changed_rules),
            )
            gateway = Gateway(
                await stack.enter_async_context(site.open(vault)),
                await stack.enter_async_context(open_client(settings)),
                around,
                timeout=timedelta(seconds=5),
                failover=Failover(policy=policy),
            )
            await gateway.provide_slots()
            return gateway

        yield start


@asynccontextmanager
async def running(*gateways: Gateway) -> AsyncIterator[None]:
    """Replicas that dispatch by themselves, whatever becomes of their database."""
    tasks = [asyncio.create_task(one.run(asyncio.Event())) for one in gateways]
    try:
        yield
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for gateway in gateways:
            await gateway.drain(15)


async def somebody(database: Database, vendor: Vendor, name: str) -> Person:
    """A person whom the vendor knows, with a patient and a session of their own."""
    who = await people.person(database, name, f"patient-{name}")
    vendor.knows(who)
    return who


def accepted(vendor: Vendor) -> int:
    """How many network queries the vendor runs; never one of ours twice (I3)."""
    calls = vendor.calls(QUERY)
    found = judge(calls, 60) if calls else None
    assert found is None or found.double_calls == 0
    return len(vendor.sandbox.state.network_queries)
