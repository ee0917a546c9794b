"""``python -m tests.soak.rolls``: rolling deploys one after another, under signed webhooks all the time.

Two ingress and two consumers replicas, Postgres and the broker; a roll replaces both replicas of one role,
ingress and consumers in turn, see ``rolling``. Nothing broke when every webhook was answered 200 within 4 s
and is kept exactly once, and every replica ended by itself with 0. ``exit_*`` count from SIGTERM to the
end, with the 5 s of ``DRAIN_DELAY``. ``RATE`` is in webhooks a second.
"""

import asyncio
import os
import random
import sys
import time
from bisect import bisect
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg

from schemas.topics import Topic
from tests.bench import consumers_seed
from tests.bench.e2e_load import News
from tests.bench.figures import percentile
from tests.durability.copies import copies
from tests.local.deployment import Deployment
from tests.soak import campaign
from tests.soak.deliveries import Deliveries, Delivery, webhooks
from tests.soak.fleet import Exit
from tests.soak.kept import SETTLE_SECONDS, InboxTable, Kept, settled
from tests.soak.looking import looked_at
from tests.soak.rolling import MORE, ROLES, Rolling
from tests.soak.staged import staged
from tests.stack.kafka import ApacheKafka
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres

RATE: Final = float(os.environ.get("RATE", "200"))
LONGEST_ANSWER_SECONDS: Final = 4.0
"""Metriport's documents ask for an answer within so many."""

QUERIES_OF_ROLL: Final = 60
"""About as many as a roll has webhooks for, so that some are told in events to the end."""

_SHOWN: Final = 20
_QUIET_SECONDS: Final = 2.0


def judged(deliveries: Sequence[Delivery]) -> dict[str, int]:
    """What was not answered as it must be, each delivery counted once."""
    return {
        "not_2xx": sum(one.status not in {0, *range(200, 300)} for one in deliveries),
        "connection_errors": sum(one.status == 0 for one in deliveries),
        "late": sum(
            one.status // 100 == 2 and one.seconds > LONGEST_ANSWER_SECONDS for one in deliveries
        ),
    }


def figures(deliveries: Deliveries, kept: Kept, exits: Sequence[Exit]) -> dict[str, Any]:
    """What was counted and measured, for the last line."""
    shots, ended = deliveries.shots, [one.seconds for one in exits]
    return {
        "webhooks": len(deliveries.all),
        **judged(deliveries.all),
        "lost": len(kept.lost),
        "doubled": len(kept.doubled),
        "answer_p50_ms": round(shots.percentile_ms(50), 1),
        "answer_p99_ms": round(shots.percentile_ms(99), 1),
        "longest_answer_s": round(shots.slowest_ms / 1e3, 3),
        "sent_late_p99_ms": round(shots.late_ms(99), 1),
        "exits": len(exits),
        "bad_exits": sum(one.code != 0 for one in exits),
        "exit_p50_s": round(percentile(ended, 50), 2),
        "exit_p99_s": round(percentile(ended, 99), 2),
    }


def broken(found: Mapping[str, Any]) -> int:
    """How many things were not as they must be."""
    kinds = ("not_2xx", "connection_errors", "late", "lost", "doubled", "bad_exits")
    return sum(found[kind] for kind in kinds)


def show(rolling: Rolling[Deployment], deliveries: Deliveries, kept: Kept) -> None:
    """What broke, each with what was done before it."""
    began = rolling.happened[0][0]
    wrong = [one for one in deliveries.all if any(judged([one]).values())]
    for one in wrong[:_SHOWN]:
        last = rolling.happened[bisect(rolling.happened, (one.left + one.seconds, "")) - 1][1]
        print(
            f"webhook {one.sent.message_id}, left at {one.left - began:.2f} s: status {one.status}"
            f" after {one.seconds:.2f} s; done last: {last}"
        )
    for what, those in (("lost", kept.lost), ("doubled", kept.doubled)):
        for found in those[:_SHOWN]:
            print(f"{what}: {found}")
    for exited in (one for one in rolling.fleet.exits if one.code):
        print(f"{exited.name} ended with {exited.code} after {exited.seconds:.1f} s")


class Campaign:
    """One run. To be made within a running loop."""

    def __init__(self, rolling: Rolling[Deployment], rng: random.Random, rolls: int) -> None:
        self._rolling, self._rng, self._rolls = rolling, rng, rolls
        self._told: Mapping[News, set[str]] = {}

    async def run(self) -> dict[str, Any]:
        """Everything; the figures."""
        async with looked_at(self._rolling) as (owner, self._told):
            return await self._measured(owner)

    async def _measured(self, owner: asyncpg.Connection) -> dict[str, Any]:
        rolling, settings = self._rolling, self._rolling.deployment.settings
        keys = settings.keys["ENCRYPTION_KEYS"]
        queries = await consumers_seed.started(owner, keys, self._rolls * QUERIES_OF_ROLL)
        await rolling.begin()
        deliveries = Deliveries(rolling.endpoints.port, settings.webhook_key)
        began = time.perf_counter()
        await self._roll_under(deliveries, queries)
        minutes = (time.perf_counter() - began) / 60
        answered = [one.sent for one in deliveries.all if one.status == 200]
        kept = await settled(answered, InboxTable(owner), self._told, SETTLE_SECONDS)
        show(rolling, deliveries, kept)
        await self._show_places(kept)
        found = figures(deliveries, kept, rolling.fleet.exits)
        rate = round(len(deliveries.all) / minutes / 60, 1)
        return {"rolls": self._rolls, **found, "webhooks_per_s": rate, "minutes": round(minutes, 2)}

    async def _show_places(self, kept: Kept) -> None:
        """Where Kafka has what the inbox has not."""
        settings = self._rolling.deployment.settings
        topic = f"{settings.topic_prefix}{Topic.WEBHOOKS}"
        if missing := {found.message_id for found in kept.lost if not found.rows}:
            print(f"in Kafka: {await copies(settings.bootstrap_servers, topic, missing)}")

    async def _roll_under(
        self, deliveries: Deliveries, queries: Sequence[consumers_seed.Started]
    ) -> None:
        stop = asyncio.Event()
        sent = webhooks(random.Random(self._rng.random()), queries)
        async with asyncio.TaskGroup() as group:
            group.create_task(deliveries.run(sent, RATE, stop))
            await asyncio.sleep(_QUIET_SECONDS)
            for number in range(self._rolls):
                await self._rolling.roll(ROLES[number % len(ROLES)])
                print(f"roll {number + 1}: {len(deliveries.all)} answered {judged(deliveries.all)}")
            await self._rolling.finish()
            await asyncio.sleep(_QUIET_SECONDS)
            stop.set()


def deployment(stack: Stack, servers: tuple[EmbeddedPostgres, ApacheKafka]) -> Deployment:
    """What is rolled."""
    return Deployment(stack, return_port=free_port(), servers=servers, name="rolls", more=MORE)


async def run(rolling: Rolling[Deployment], rng: random.Random, rolls: int) -> dict[str, Any]:
    """One campaign; its figures."""
    return await Campaign(rolling, rng, rolls).run()


def main() -> int:
    """The command; its exit code."""
    asked = campaign.arguments("rolls", __doc__, rolls=100)

    def play(stack: Stack) -> tuple[Deployment, dict[str, Any]]:
        rng = random.Random(asked.seed)
        rolling = Rolling(stack, rng, deployment)
        return rolling.deployment, asyncio.run(run(rolling, rng, asked.rolls))

    return staged("rolls", asked.seed, play, broken)


if __name__ == "__main__":
    sys.exit(main())
