"""A deployment of two replicas a role that can be replaced, as a Kubernetes Deployment replaces them.

A new one is started, and once it is ready an old one gets SIGTERM; the next one starts while that drains
(``DRAIN_DELAY`` as deployed). There is no ``preStop`` and no ``minReadySeconds``: harder than ``deploy/``.

On Apache Kafka, as two ingress replicas write to one partition: of what two producers write to it at a time
the embedded broker shows readers not all (6 to 12 of 12,000 records were never read, by any consumer that
read along).
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from tests.local.deployment import Deployment
from tests.soak.endpoints import Endpoints
from tests.soak.fleet import REPLICAS, Fleet, Replica
from tests.stack.kafka import ApacheKafka
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres

ROLES: Final = ("ingress", "consumers")
MORE: Final = {
    "DRAIN_DELAY": "5",
    "LOG_LEVEL": "warning",
    "STATUS_POLLING": "false",
    "DELIVERY_HEALER": "false",
}
"""The vendor's double knows nothing of the queries that are written here."""


AnyDeployment = TypeVar("AnyDeployment", bound=Deployment)
Make = Callable[[Stack, tuple[EmbeddedPostgres, ApacheKafka]], AnyDeployment]
"""Makes the deployment on these servers, with ``MORE`` among its settings."""


class Rolling(Generic[AnyDeployment]):
    """One deployment, and what is replaced in it."""

    def __init__(self, stack: Stack, rng: random.Random, make: Make[AnyDeployment]) -> None:
        self.postgres, self.broker = stack.start(EmbeddedPostgres()), stack.start(ApacheKafka())
        self.deployment = make(stack, (self.postgres, self.broker)).start()
        self.fleet = stack.start(Fleet(self.deployment))
        self.endpoints = Endpoints(random.Random(rng.random()))
        self._rng = rng
        self._replicas = {role: [self.fleet.adopt(role)] for role in ROLES}
        self._following: list[asyncio.Task[None]] = []
        self._ending: dict[str, list[asyncio.Task[None]]] = {role: [] for role in ROLES}
        self.happened: list[tuple[float, str]] = [(time.perf_counter(), "start")]
        """What was done when."""

    async def begin(self) -> None:
        """Two of each."""
        for role, replicas in self._replicas.items():
            while len(replicas) < REPLICAS:
                replicas.append(await self._launched(role))
            self._follow(*replicas)
        while self.endpoints.count < REPLICAS:
            await asyncio.sleep(0.05)

    async def roll(self, role: str) -> None:
        """Replace both replicas of a role; what the last roll of it ended is gone before."""
        await asyncio.gather(*self._ending[role])
        replicas = self._replicas[role]
        self._note(f"roll of {role}")
        for old in self._rng.sample(replicas, len(replicas)):
            replicas.append(await self._launched(role))
            self._follow(replicas[-1])
            replicas.remove(old)
            self._note(f"{replicas[-1].name} for {old.name}")
            self._ending[role].append(asyncio.create_task(self.fleet.end(old), name=old.name))

    async def finish(self) -> None:
        """Wait until the last old ones are gone."""
        await asyncio.gather(*(one for ending in self._ending.values() for one in ending))

    async def close(self) -> None:
        """Follow nobody any more."""
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)

    def _note(self, what: str) -> None:
        self.happened.append((time.perf_counter(), what))

    async def _launched(self, role: str) -> Replica:
        return await self.fleet.ready(self.fleet.launch(role))

    def _follow(self, *replicas: Replica) -> None:
        for one in replicas:
            if one.role == "ingress":
                self._following.append(asyncio.create_task(self.endpoints.follow(one)))
