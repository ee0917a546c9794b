"""Everything that a fault may lay hands on, and what the run remembers."""

import asyncio
import random
import time
from collections.abc import Container
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.canary import Canary
from tests.chaos.deployment import REPLICAS, ChaosDeployment, Replica
from tests.chaos.desk import Desk
from tests.chaos.probe import Answer, Probe
from tests.chaos.traffic import Traffic
from tests.processes.vendor import Vendor
from tests.stack.ports import LOOPBACK
from tests.stack.processes import Supervised

_LOOK_SECONDS: Final = 0.5
_SAMPLE_SECONDS: Final = 0.1
_chosen: Final[ContextVar[str]] = ContextVar("chosen", default="")


@dataclass
class Happening:
    """One thing that was done to the deployment, and how it got over it. Times are monotonic."""

    name: str
    began: float
    ended: float = 0.0
    recovery: float | None = None
    """Seconds from the end to normal; ``None``: not within the time that it was given."""

    note: str = ""
    first_commit: float | None = None
    """Where Postgres was started again: seconds from its readiness to the first commit of the service."""


@dataclass
class World:
    """One run."""

    deployment: ChaosDeployment
    desk: Desk
    vendor: Vendor
    traffic: Traffic
    probe: Probe
    canary: Canary
    storm: int
    """Webhooks of one storm of re-deliveries."""

    happenings: list[Happening] = field(default_factory=list)
    kills: int = 0
    reached: set[str] = field(default_factory=set)
    """Crash points at which a process really ended."""

    foreign: set[bytes] = field(default_factory=set)
    """What was written to topics to be a nuisance."""

    died: list[str] = field(default_factory=list)
    """Processes that ended although nobody ended them."""

    storm_answers: list[Answer] = field(default_factory=list)

    hands_off: bool = False
    """Whether nobody of the harness writes to Postgres now."""

    spooling: int = 0
    """How many acts keep Kafka away from the ingress now."""

    crashing: set[str] = field(default_factory=set)
    """Replicas that are set up to end at a named point."""

    stopped: set[str] = field(default_factory=set)
    """Replicas that are dead or frozen by our hand right now."""

    ingress_starts: bool = False
    """Whether it was started and nobody listens yet: Python takes a moment, more so on a busy machine."""

    away_at: list[float] = field(default_factory=list)
    """Moments (wall clock) at which the ingress was down by our hand, a few each second."""

    @property
    def chosen(self) -> str:
        """What the fault under way hit, where it had a choice; each task has faults of its own."""
        return _chosen.get()

    @chosen.setter
    def chosen(self, what: str) -> None:
        _chosen.set(what)

    def process(self, replica: Replica) -> Supervised:
        """The process that plays this replica now."""
        return self.deployment.processes[replica.name]

    def kill(self, replica: Replica) -> None:
        """SIGKILL, and nobody starts it again by itself."""
        self.stopped.add(replica.name)
        self.process(replica).kill()
        self.kills += 1

    def start(self, replica: Replica, more: dict[str, str] | None = None) -> None:
        """Start it again; with ``CRASH_POINT`` its end is expected and stays ours."""
        self.ingress_starts |= replica.role == "ingress"
        self.deployment.launch(replica, more)
        if not more or replica.role == "ingress":
            self.stopped.discard(replica.name)

    def ingress_is_down(self) -> bool:
        """Whether nobody could answer a webhook: it is dead or frozen by our hand, or starts again."""
        is_running = self.deployment.processes["ingress"].is_running
        return "ingress" in self.stopped or self.ingress_starts or not is_running

    def ingress_was_down(self, since: float) -> bool:
        """Whether it is, or was at a moment since then (wall clock)."""
        return self.ingress_is_down() or bool(self.away_at and self.away_at[-1] >= since)

    async def watch_ingress(self) -> None:
        """Note when the ingress is away: what it does not answer then is no fault of its."""
        while True:
            self.ingress_starts = self.ingress_starts and not await self._listens()
            if self.ingress_is_down():
                self.away_at.append(time.time())
            await asyncio.sleep(_SAMPLE_SECONDS)

    async def _listens(self) -> bool:
        """Whether somebody takes connections where webhooks come in."""
        try:
            _, writer = await asyncio.open_connection(
                LOOPBACK, self.deployment.settings.ingress_port
            )
        except OSError:
            return False
        writer.close()
        return True

    async def supervise(self) -> None:
        """Start what ended by itself, as a cluster would, and remember that it did."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for replica in REPLICAS:
                process = self.process(replica)
                if not process.is_running and replica.name not in self.stopped | self.crashing:
                    self._restart(replica, process)

    def _restart(self, replica: Replica, process: Supervised) -> None:
        self.died.append(f"{replica.name} ended with {process.exit_code}: {process.log_tail(3)}")
        self.start(replica)


def choose(
    rng: random.Random, role: str | None = None, but: Container[str] = frozenset()
) -> Replica:
    """Any replica, of a role if asked, and none of these names."""
    return rng.choice([one for one in REPLICAS if role in {None, one.role} and one.name not in but])
