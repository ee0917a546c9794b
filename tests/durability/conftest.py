"""A deployment of its own for tests that break its servers."""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import pytest

from schemas.topics import Topic
from tests.durability.copies import copies
from tests.local.deployment import Deployment
from tests.stack.broker import EmbeddedBroker
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port, free_ports
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.processes import Supervised, answers


class Replica(NamedTuple):
    """One ingress process."""

    process: Supervised
    url: str
    internal: str


@dataclass(frozen=True)
class Breakable:
    """Servers that a test may stop, and what runs on them."""

    postgres: EmbeddedPostgres
    broker: EmbeddedBroker
    deployment: Deployment

    @property
    def url(self) -> str:
        """Where the ingress listens."""
        return self.deployment.settings.public_url

    @property
    def key(self) -> str:
        """The webhook key."""
        return self.deployment.settings.webhook_key

    def count(self, what: str) -> int:
        """A number from the database."""
        return int(self.postgres.execute(f"select {what}", database="durability").strip())

    def ingress(self) -> Replica:
        """The deployment's own ingress."""
        internal = f"http://127.0.0.1:{self.deployment.settings.internal_ports['ingress']}"
        return Replica(self.deployment.processes["ingress"], self.url, internal)

    def another_ingress(self) -> Replica:
        """A second ingress of the same deployment."""
        public, internal = free_ports(2)
        first = self.deployment.processes["ingress"]
        ports = {"HTTP_PORT": str(public), "INTERNAL_PORT": str(internal)}
        second = self.deployment.start_role("ingress", ports)
        self.deployment.processes["ingress"] = first
        second.wait_ready(f"http://127.0.0.1:{internal}/readyz")
        return Replica(second, f"http://127.0.0.1:{public}", f"http://127.0.0.1:{internal}")

    def is_ready(self) -> bool:
        """Whether the ingress says that it is ready."""
        return answers(f"{self.ingress().internal}/readyz")

    async def eventually(self, what: str, expected: int, within: float = 40.0) -> None:
        """Wait until the database holds so many."""
        found = -1
        try:
            async with asyncio.timeout(within):
                while (found := await asyncio.to_thread(self.count, what)) != expected:
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"{what}: {found}, not {expected}, after {within} s") from None

    def without_effect(self, message_ids: Collection[str]) -> set[str]:
        """Which of these webhooks the inbox does not know."""
        rows = "encode(message_digest, 'hex') from inbox where source = 'metriport'"
        known = set(self.postgres.execute(f"select {rows}", database="durability").split())
        return {one for one in message_ids if sha256(one.encode()).hexdigest() not in known}

    async def all_took_effect(self, message_ids: Collection[str], within: float) -> None:
        """Wait until the inbox knows every one; else say which are missing, and where Kafka has them."""
        missing = set(message_ids)
        try:
            async with asyncio.timeout(within):
                while missing := await asyncio.to_thread(self.without_effect, missing):
                    await asyncio.sleep(0.2)
        except TimeoutError:
            found = await self.in_kafka(missing)
            raise AssertionError(
                f"no effect of {missing} after {within} s; Kafka: {found}"
            ) from None

    async def in_kafka(self, message_ids: Collection[str]) -> dict[str, list[str]]:
        """Topic, partition and offset of every copy of these webhooks."""
        settings = self.deployment.settings
        name = f"{settings.topic_prefix}{Topic.WEBHOOKS}"
        return await copies(settings.bootstrap_servers, name, message_ids)


@pytest.fixture(scope="package")
def breakable() -> Iterator[Breakable]:
    """One deployment for the package; a test that breaks something mends it."""
    with Stack() as stack:
        postgres = stack.start(EmbeddedPostgres())
        broker = stack.start(EmbeddedBroker())
        deployment = Deployment(
            stack,
            return_port=free_port(),
            servers=(postgres, broker),
            name="durability",
            more={"DRAIN_DELAY": "1"},
        )
        yield Breakable(postgres, broker, deployment.start())
