"""``python -m tests.soak.steady``: hours of steady work, and nothing grows.

All three roles as processes on a real Postgres and Apache Kafka, with the vendor's double. For ``--minutes``
signed webhooks come at ``RATE`` a second and people walk their whole way one after another; in the first
half ``--cancels`` clients give up half way (``giving_up``). What each role holds is sampled all the time
(``samples``) and also goes to ``.local/soak/steady.csv``. Nothing broke when every webhook was answered 2xx,
is in the inbox at the end, every person got to an end and no process ended.

A slope says little in the first hour: a heap that settles looks like one that grows. The processes get what the
image says of glibc's memory (``steady_deployment``). Without it consumers gained 20 MiB in 40 minutes, ever more
slowly, while what they had allocated stayed the same (``mallinfo2``: 14.6 and 14.7 MiB in use; Python's arenas: 32 and
32): the gaps between it grew from 1.7 to 8.1 MiB in eleven minutes. Side by side, with twice the webhooks and
people, they had 78.1 MiB after six minutes without it, and 72.2 with it.
"""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from tests.bench.figures import percentile
from tests.chaos.desk import Desk
from tests.chaos.traffic import Traffic
from tests.local.deployment import ROLES, Deployment
from tests.soak import campaign
from tests.soak.deliveries import Deliveries, Sent, webhooks
from tests.soak.giving_up import GivingUp
from tests.soak.kept import InboxTable, settled
from tests.soak.running import FOLDER
from tests.soak.samples import HOUR, Sample, Table, growth, sample
from tests.soak.staged import staged
from tests.soak.steady_deployment import DATABASE, login, standing
from tests.stack.kafka import ApacheKafka
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres

RATE: Final = float(os.environ.get("RATE", "20"))
PERSON_SECONDS: Final = 6.0
"""Ten people a minute, a third of what the vendor's pace allows."""

_EVERY_SECONDS: Final = 60.0
_SAMPLES: Final = 40
"""At least so many in a short run."""

_SETTLE_SECONDS: Final = 120.0
_SHOWN: Final = 20
_CONNECTED: Final = """
select usename as login, count(*) as many from pg_stat_activity
where datname = $1 and usename is not null group by usename
"""


@dataclass
class Tally:
    """How webhooks were answered. Bodies are forgotten: hours of them would fill this process."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    kept: list[Sent] = field(default_factory=list)

    def take(self, deliveries: Deliveries) -> None:
        """Those that were answered since the last time."""
        taken, deliveries.all = deliveries.all, []
        deliveries.late.clear()
        for one in taken:
            self.statuses[one.status] += 1
            self.seconds.append(one.seconds)
            if one.status == 200:
                self.kept.append(Sent(one.sent.message_id, b""))

    @property
    def not_2xx(self) -> int:
        """With those that got no answer."""
        return sum(many for status, many in self.statuses.items() if status // 100 != 2)

    def figures(self) -> dict[str, Any]:
        """For the last line."""
        return {
            "webhooks": self.statuses.total(),
            "not_2xx": self.not_2xx,
            "answer_p99_ms": round(percentile(self.seconds, 99) * 1e3, 1) if self.seconds else None,
            "longest_answer_s": round(max(self.seconds, default=0.0), 3),
        }


def broken(found: Mapping[str, Any]) -> int:
    """How many things were not as they must be."""
    return sum(found[kind] for kind in ("not_2xx", "lost", "stalled", "died"))


class Steady:
    """One run over one deployment. To be made within a running loop."""

    def __init__(
        self, deployment: Deployment, owner: asyncpg.Connection, desk: Desk, rng: random.Random
    ) -> None:
        self._deployment, self._owner, self._rng = deployment, owner, rng
        settings = deployment.settings
        where = (settings.ingress_port, settings.webhook_key)
        self._deliveries = Deliveries(*where)
        self._giving_up = GivingUp(*where, random.Random(rng.random()))
        self._traffic = Traffic(desk, random.Random(rng.random()), every=PERSON_SECONDS)
        self._began, self._tally = time.monotonic(), Tally()
        self.samples: list[Sample] = []
        self.died: list[str] = []

    async def run(self, minutes: float, cancels: int, table: Table) -> dict[str, Any]:
        """Load and samples, then what became of it; the figures."""
        seconds, stop = minutes * 60, asyncio.Event()
        async with asyncio.TaskGroup() as group:
            sound, given_up = self._webhooks(), self._webhooks()
            group.create_task(self._deliveries.run(sound, RATE, stop))
            walking = group.create_task(self._traffic.run())
            leaving = group.create_task(self._giving_up.run(given_up, cancels, seconds / 2))
            await self._sample_for(seconds, table)
            stop.set()
            if self.died:  # nobody has to wait for what cannot come
                walking.cancel()
                leaving.cancel()
            else:
                self._traffic.stop()
        self._tally.take(self._deliveries)
        kept = await settled(self._tally.kept, InboxTable(self._owner), {}, _SETTLE_SECONDS)
        self._note_deaths()
        self._show([found.message_id for found in kept.lost])
        return self._figures() | {"lost": len(kept.lost)}

    def _webhooks(self) -> Any:
        return webhooks(random.Random(self._rng.random()), [])

    async def _sample_for(self, seconds: float, table: Table) -> None:
        """Until the time is over, or a process is."""
        every = min(_EVERY_SECONDS, seconds / _SAMPLES)
        ends, due = self._began + seconds, self._began
        while not self.died and due <= ends + every / 2:
            await asyncio.sleep(max(due - time.monotonic(), 0.0))
            due += every
            self._note_deaths()
            if not self.died:
                await self._sample(table)

    async def _sample(self, table: Table) -> None:
        at = time.monotonic() - self._began
        rows = await self._owner.fetch(_CONNECTED, DATABASE)
        new = self._looked(at, {row["login"]: row["many"] for row in rows})
        self.samples += new
        table.add(new)
        self._tally.take(self._deliveries)
        held = " ".join(f"{one.role} {one.rss_mib:.1f} MiB {one.fds} fds" for one in new)
        people = self._traffic.ended.total()
        print(
            f"{at / 60:.1f} min: {self._tally.statuses.total()} webhooks, {people} people,"
            f" {self._giving_up.count} gave up; {held}"
        )

    def _looked(self, at: float, connections: Mapping[str, int]) -> list[Sample]:
        """At each role; nothing when one of them has just ended."""
        pids = {role: self._deployment.processes[role].pid for role in ROLES}
        try:
            return [sample(at, role, pids[role], connections.get(login(role), 0)) for role in ROLES]
        except (OSError, ValueError):
            self._note_deaths()
            if not self.died:
                raise
            return []

    def _note_deaths(self) -> None:
        gone = [role for role in ROLES if not self._deployment.processes[role].is_running]
        self.died += [role for role in gone if role not in self.died]

    def _show(self, lost: Sequence[str]) -> None:
        for kind, those in (
            ("lost", lost),
            ("stalled", self._traffic.stalled),
            ("died", self.died),
        ):
            for one in those[:_SHOWN]:
                print(f"{kind}: {one}")
        print(f"statuses: {dict(self._tally.statuses)}; people: {dict(self._traffic.ended)}")

    def _figures(self) -> dict[str, Any]:
        return {
            "hours": round(self.samples[-1].at / HOUR, 3) if self.samples else 0.0,
            **self._tally.figures(),
            "cancels": self._giving_up.count,
            "cancels_not_connected": self._giving_up.not_connected,
            "people": self._traffic.ended.total(),
            "people_complete": self._traffic.ended["complete"],
            "stalled": len(self._traffic.stalled),
            "died": len(self.died),
            **growth(self.samples, ROLES),
            "samples": len(self.samples) // len(ROLES),
        }


async def steady(
    deployment: Deployment, rng: random.Random, minutes: float, cancels: int, file: Path
) -> dict[str, Any]:
    """A run over a started deployment; its figures."""
    settings = deployment.settings
    owner = await asyncpg.connect(deployment.postgres.dsn(DATABASE))
    try:
        where = (settings.bootstrap_servers, settings.topic_prefix, settings.return_url)
        async with Desk(*where) as desk:
            return await Steady(deployment, owner, desk, rng).run(minutes, cancels, Table(file))
    finally:
        await owner.close()


def main() -> int:
    """The command; its exit code."""
    asked = campaign.arguments("steady", __doc__, minutes=360, cancels=10_000)

    def play(stack: Stack) -> tuple[Deployment, dict[str, Any]]:
        # Hours of rows that come and go: without its vacuum Postgres would have to read them all.
        postgres = stack.start(EmbeddedPostgres(settings={"autovacuum": "on"}))
        deployment = standing(stack, (postgres, stack.start(ApacheKafka()))).start()
        rng, file = random.Random(asked.seed), FOLDER / "steady.csv"
        run = steady(deployment, rng, asked.minutes, asked.cancels, file)
        return deployment, asyncio.run(run)

    return staged("steady", asked.seed, play, broken)


if __name__ == "__main__":
    sys.exit(main())
