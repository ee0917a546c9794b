"""Replicas of a deployment's roles, started and ended as a rolling deploy does it."""

import asyncio
import sys
import time
from dataclasses import dataclass
from itertools import count
from typing import Final, NamedTuple, Self

from tests.local.deployment import Deployment
from tests.stack.ports import LOOPBACK, free_ports
from tests.stack.processes import Supervised

REPLICAS: Final = 2
GRACE_SECONDS: Final = 70.0
"""``terminationGracePeriodSeconds`` of the ingress; then SIGKILL."""

READY_SECONDS: Final = 60.0


@dataclass(frozen=True, eq=False)
class Replica:
    """One process of a role, and its two ports."""

    role: str
    name: str
    process: Supervised
    port: int
    internal: int

    @property
    def readiness(self) -> str:
        """Where it says whether it is ready."""
        return f"http://{LOOPBACK}:{self.internal}/readyz"


class Exit(NamedTuple):
    """How one replica ended: seconds from SIGTERM, and the exit code."""

    name: str
    seconds: float
    code: int


class Fleet:
    """What runs of a deployment beside its own processes. A part of a ``Stack``."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._numbers = count(1)
        self._running: list[Supervised] = []
        self.exits: list[Exit] = []

    def start(self) -> Self:
        """Nothing yet: each replica is launched when it is wanted."""
        return self

    def stop(self) -> None:
        """End what still runs; nobody needs to drain."""
        while self._running:
            self._running.pop().kill()

    def adopt(self, role: str) -> Replica:
        """The one that the deployment itself started."""
        settings, process = self._deployment.settings, self._deployment.processes[role]
        self._running.append(process)
        return Replica(role, role, process, settings.ingress_port, settings.internal_ports[role])

    def launch(self, role: str) -> Replica:
        """Start one more of a role without waiting for it. Main thread only."""
        port, internal = free_ports(2)
        name = f"{role}-{next(self._numbers)}"
        ports = {"HTTP_PORT": str(port), "INTERNAL_PORT": str(internal)}
        process = Supervised(
            name,
            [sys.executable, "-m", "consumers", role],
            env=self._deployment.environment(role) | ports,
            log_path=self._deployment.folder / f"{name}.log",
            cwd=self._deployment.root,
        )
        self._running.append(process.start())
        return Replica(role, name, process, port, internal)

    async def ready(self, replica: Replica) -> Replica:
        """Wait until it says so."""
        await asyncio.to_thread(replica.process.wait_ready, replica.readiness, within=READY_SECONDS)
        return replica

    async def end(self, replica: Replica) -> None:
        """SIGTERM, and note how long it took."""
        began = time.perf_counter()
        code = await asyncio.to_thread(replica.process.terminate, GRACE_SECONDS)
        self.exits.append(Exit(replica.name, time.perf_counter() - began, code))
        self._running.remove(replica.process)
