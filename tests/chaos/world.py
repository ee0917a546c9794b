"""Everything that a fault may lay hands on, and what the run remembers."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.canary import Canary
from tests.chaos.deployment import REPLICAS, ChaosDeployment, Replica
from tests.chaos.desk import Desk
from tests.chaos.probe import Answer, Probe
from tests.chaos.traffic import Traffic
from tests.processes.vendor import Vendor
from tests.stack.processes import Supervised

_LOOK_SECONDS: Final = 0.5
_SAMPLE_SECONDS: Final = 0.1


@dataclass
class Happening:
    """One thing that was done to the deployment, and how it got over it. Times are monotonic."""

    name: str
    began: float
    ended: float = 0.0
    recovery: float | None = None
    """Seconds from the end to normal; ``None``: not within the time that it was given."""

    note: str = ""


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
    chosen: str = ""
    """What the fault under way hit, where it had a choice."""

    kills: int = 0
    reached: set[str] = field(default_factory=set)
    """Crash points at which a process really ended."""

    died: list[str] = field(default_factory=list)
    """Processes that ended although nobody ended them."""

    storm_answers: list[Answer] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)
    """Replicas that are dead or frozen by our hand right now."""

    ingress_grace: float = 0.0
    """Until when the ingress is excused: it was just started."""

    away_at: list[float] = field(default_factory=list)
    """Moments (wall clock) at which the ingress was down by our hand, a few each second."""

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
        self.deployment.launch(replica, more)
        if not more:
            self.stopped.discard(replica.name)

    def ingress_is_down(self) -> bool:
        """Whether nobody could answer a webhook, by our own doing or because it is starting."""
        return "ingress" in self.stopped or time.monotonic() < self.ingress_grace

    def excuse_ingress(self, seconds: float) -> None:
        """The ingress was just started: Python takes a moment to listen."""
        self.ingress_grace = time.monotonic() + seconds

    async def watch_ingress(self) -> None:
        """Note when the ingress is away: what it does not answer then is no fault of its."""
        while True:
            if self.ingress_is_down():
                self.away_at.append(time.time())
            await asyncio.sleep(_SAMPLE_SECONDS)

    async def supervise(self) -> None:
        """Start what ended by itself, as a cluster would, and remember that it did."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for replica in REPLICAS:
                process = self.process(replica)
                if not process.is_running and replica.name not in self.stopped:
                    tail = process.log_tail(6)
                    self.died.append(f"{replica.name} ended with {process.exit_code}: {tail}")
                    self.deployment.launch(replica)


def choose(rng: random.Random, role: str | None = None) -> Replica:
    """Any replica, of a role if asked."""
    return rng.choice([one for one in REPLICAS if role in {None, one.role}])
