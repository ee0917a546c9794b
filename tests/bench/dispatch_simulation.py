"""A backlog of network queries, four gateway replicas that are killed and stopped, and the double as judge.

Time runs faster for everybody: the double's clock, and the lengths of time that replicas pace by. Replicas
are processes; what kills and stops them is drawn from a seed. The wall clock of each is wrong by another
amount, where ``libfaketime`` is installed: what paces them is the database's.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp.test_utils import TestServer

from schemas.sources import Source
from service.crypto.keys import KeyRing
from service.settings.secret import Secret
from service.store.pool import Database, open_database
from service.store.unit import Vault
from tests.bench.contenders import ROOT
from tests.bench.dispatch_judge import LIMIT, MINUTE, Judgement, judge
from tests.bench.dispatch_replica import CLOCK_OFF
from tests.metriport_sandbox import DEFAULT_FACILITY_ID, Sandbox, SandboxConfig, create_sandbox
from tests.metriport_sandbox.state import Aal2Session, Identity, Patient
from tests.stack import wrong_clock
from tests.stack.lifetime import Stack
from tests.stack.processes import Supervised
from tests.support import people
from tests.support.settings import ENCRYPTION_KEY

QUERY: Final = "start-network-query"
OFF_SECONDS: Final = (-2 * 3600, -40 * 60, 25 * 60, 2 * 3600)
"""How far the clock of each replica is from the right time, whenever it is started."""

REPLICAS: Final = len(OFF_SECONDS)
_CHOICES: Final = (
    [Source.HIE, Source.PHARMACY, Source.LAB],
    [Source.HIE],
    [Source.LAB, Source.PHARMACY],
)
_SEEDERS: Final = 4
_AS_OF_ALL: Final = 100 * MINUTE
_SLOWEST_ANSWER: Final = 2.0
"""Vendor seconds; most answers come at once."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long it runs, in the vendor's minutes; how much faster than a clock; what goes wrong when."""

    minutes: float
    faster: float
    seed: int
    every: float = 150.0
    """Vendor seconds between two misfortunes."""


@dataclass
class Simulation:
    """Runs one plan against a migrated database."""

    plan: Plan
    dsn: str
    folder: Path
    kills: int = 0
    stops: int = 0
    replicas: list[Supervised] = field(default_factory=list)

    async def run(self, stack: Stack) -> Judgement:
        """Seed, start the replicas, let things happen, judge."""
        vault = Vault(KeyRing((ENCRYPTION_KEY,)))
        began = time.time()
        sandbox = create_sandbox(
            SandboxConfig(
                allow_loopback=True,
                step_seconds=1e6,
                seed=self.plan.seed,
                webhook_url=None,
                aal2_session_seconds=1e6,
                clock=lambda: began + (time.time() - began) * self.plan.faster,
            )
        )
        async with open_database(Secret(self.dsn), 8, vault) as database:
            await self._seed(database, sandbox)
        async with _slow_at_times(sandbox, self.plan) as url:
            self.replicas = [self._replica(stack, number, url) for number in range(REPLICAS)]
            await self._until_first_call(sandbox)
            await self._misfortunes(random.Random(self.plan.seed))
            for replica in self.replicas:
                replica.terminate()
        return judge(sandbox.ledger.of(QUERY), self.plan.minutes)

    async def _seed(self, database: Database, sandbox: Sandbox) -> None:
        """More queries than the time allows, each of a person that the double knows."""
        count = int(LIMIT * (self.plan.minutes + 3))
        chance = random.Random(self.plan.seed)
        numbers = iter(range(count))

        async def some() -> None:
            for number in numbers:
                await _person_with_query(database, sandbox, number, chance.choice(_CHOICES))

        await asyncio.gather(*(some() for _ in range(_SEEDERS)))

    def _replica(self, stack: Stack, number: int, url: str) -> Supervised:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "DATABASE": self.dsn,
            "VENDOR": url,
            "FASTER": str(self.plan.faster),
        }
        command = [sys.executable, "-m", "tests.bench.dispatch_replica"]
        log = self.folder / f"replica-{number}.log"
        name = f"replica {number}"
        if wrong_clock.LIBRARIES:
            environment |= wrong_clock.wrong_by(OFF_SECONDS[number])
        return stack.start(Supervised(name, command, env=environment, log_path=log, cwd=ROOT))

    def skew_seconds(self) -> float:
        """How wrong the most wrong clock was, as the replicas said themselves."""
        said = [one.log_path.read_text(encoding="utf-8") for one in self.replicas]
        found = [line for text in said for line in text.splitlines() if CLOCK_OFF in line]
        return max((abs(float(line.removeprefix(CLOCK_OFF))) for line in found), default=0.0)

    async def _until_first_call(self, sandbox: Sandbox) -> None:
        async with asyncio.timeout(30):
            while not sandbox.ledger.of(QUERY):
                await asyncio.sleep(0.01)

    async def _misfortunes(self, chance: random.Random) -> None:
        """Until the time is over: kill a replica and start another, or stop one for a while."""
        over = time.monotonic() + self.plan.minutes * MINUTE / self.plan.faster
        while (left := over - time.monotonic()) > 0:
            await asyncio.sleep(
                min(left, self.plan.every * chance.uniform(0.5, 1.5) / self.plan.faster)
            )
            if time.monotonic() >= over:
                return
            replica = chance.choice(self.replicas)
            if chance.random() < 0.5:
                self.kills += 1
                replica.kill()
                replica.start()
            else:
                self.stops += 1
                await self._stop(replica, chance.uniform(5.0, 60.0) / self.plan.faster)

    async def _stop(self, replica: Supervised, seconds: float) -> None:
        replica.freeze()
        try:
            await asyncio.sleep(seconds)
        finally:
            replica.thaw()


async def _person_with_query(
    database: Database, sandbox: Sandbox, number: int, sources: list[Source]
) -> None:
    who = await people.person(database, f"subject-{number}", f"patient-{number}")
    state = sandbox.state
    state.patients[who.patient_id] = Patient(
        id=who.patient_id,
        e_tag="0" * 32,
        facility_ids=[DEFAULT_FACILITY_ID],
        created=sandbox.now(),
        demographics={},
    )
    state.identities[who.proofed] = Identity(
        id=who.proofed, patient_id=who.patient_id, totp_secret="S"
    )
    state.aal2_sessions[who.session_secret] = Aal2Session(
        id=who.session_secret,
        identity_id=who.proofed,
        patient_id=who.patient_id,
        expires=sandbox.now() + _AS_OF_ALL,
    )
    await people.due_query(database, who, sources)


@asynccontextmanager
async def _slow_at_times(sandbox: Sandbox, plan: Plan) -> AsyncIterator[str]:
    """The double on a port; one call in ten is answered late."""
    chance = random.Random(plan.seed)

    async def make_late() -> None:
        while True:
            if not sandbox.scripts.faults:
                seconds = chance.uniform(0.0, _SLOWEST_ANSWER) / plan.faster
                fault = {"operation": QUERY, "kind": "delay-answer", "seconds": seconds}
                sandbox.scripts.add_fault(fault)
            await asyncio.sleep(10 * MINUTE / LIMIT / plan.faster)

    async with TestServer(sandbox.app) as server:
        task = asyncio.create_task(make_late(), name="slow answers")
        try:
            yield str(server.make_url("")).rstrip("/")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
