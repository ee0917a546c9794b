"""``python -m tests.soak.outage``: the broker stands still under webhooks; then every backend is down.

First the broker is frozen for ``--seconds`` while signed webhooks come (``RATE`` a second, 100 unless
given): each must be answered within 3.5 s, and what was answered 200 must be in the inbox once the broker
goes on. An honest 503 breaks nothing; ``answered_200_percent`` says how few there were. Then, with the
broker frozen and Postgres crashed, ``--pings`` pings: each must be answered rightly.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg
from aiohttp import ClientError, ClientSession, TCPConnector

from tests.bench.figures import percentile
from tests.durability.load import ping
from tests.local.deployment import Deployment
from tests.soak import campaign
from tests.soak.deliveries import Deliveries, Delivery, webhooks
from tests.soak.kept import InboxTable, settled
from tests.soak.staged import staged
from tests.stack.kafka import ApacheKafka
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres

RATE: Final = float(os.environ.get("RATE", "100"))
LONGEST_ANSWER_SECONDS: Final = 3.5
"""As the README promises."""

PINGS_A_SECOND: Final = 50.0
_SETTLE_SECONDS: Final = 90.0
_WELL_SECONDS: Final = 3.0


def judged(deliveries: Sequence[Delivery]) -> dict[str, int]:
    """What was not answered, and what was answered late."""
    slow = [one for one in deliveries if one.seconds > LONGEST_ANSWER_SECONDS]
    return {
        "unanswered": sum(one.status == 0 for one in deliveries),
        "late": sum(one.status != 0 for one in slow),
    }


def told_of_stall(deliveries: Sequence[Delivery]) -> dict[str, Any]:
    """Of the webhooks that left while the broker stood still."""
    good = sum(one.status == 200 for one in deliveries)
    return {
        "webhooks": len(deliveries),
        **judged(deliveries),
        "answered_200_percent": round(100 * good / len(deliveries), 3),
        "answer_p99_ms": round(percentile([one.seconds for one in deliveries], 99) * 1e3, 1),
        "longest_answer_s": round(max(one.seconds for one in deliveries), 3),
    }


def told_of_pings(took: Sequence[float | None]) -> dict[str, Any]:
    """Seconds of each ping, ``None`` for one that was not answered rightly."""
    answered = [one for one in took if one is not None]
    return {
        "pings": len(took),
        "pings_unanswered": len(took) - len(answered),
        "pings_answered_percent": round(100 * len(answered) / len(took), 3),
        "ping_p99_ms": round(percentile(answered, 99) * 1e3, 1) if answered else None,
        "ping_longest_ms": round(max(answered) * 1e3, 1) if answered else None,
    }


def broken(found: Mapping[str, Any]) -> int:
    """How many things were not as they must be."""
    return sum(found[kind] for kind in ("unanswered", "late", "lost", "pings_unanswered"))


class Outage:
    """One deployment, and what is taken away from it."""

    def __init__(self, stack: Stack, rng: random.Random) -> None:
        self._postgres, self._kafka = stack.start(EmbeddedPostgres()), stack.start(ApacheKafka())
        servers, more = (self._postgres, self._kafka), {"LOG_LEVEL": "error"}
        self.deployment = Deployment(
            stack, return_port=free_port(), servers=servers, name="outage", more=more
        ).start()
        self._rng = rng

    async def run(self, seconds: int, pings: int) -> dict[str, Any]:
        """Both parts; the figures."""
        stalled, stall = await self._stalled(seconds)
        print(f"the broker stood still: {stall}")
        self._kafka.freeze()
        self._postgres.crash()
        try:
            took = await self._pinged(pings)
        finally:
            self._kafka.thaw()
            self._postgres.restart()
        return {"stalled_s": round(stalled, 1), **stall, **told_of_pings(took)}

    async def _stalled(self, seconds: int) -> tuple[float, dict[str, Any]]:
        settings, stop = self.deployment.settings, asyncio.Event()
        deliveries = Deliveries(settings.ingress_port, settings.webhook_key)
        async with asyncio.TaskGroup() as group:
            group.create_task(deliveries.run(webhooks(self._rng, []), RATE, stop))
            await asyncio.sleep(_WELL_SECONDS)
            began = time.perf_counter()
            self._kafka.freeze()
            try:
                await asyncio.sleep(seconds)
            finally:
                self._kafka.thaw()
                ended = time.perf_counter()
            await asyncio.sleep(_WELL_SECONDS)
            stop.set()
        during = [one for one in deliveries.all if began <= one.left < ended]
        show(deliveries.all)
        return ended - began, told_of_stall(during) | {"lost": await self._lost(deliveries.all)}

    async def _lost(self, deliveries: Sequence[Delivery]) -> int:
        owner = await asyncpg.connect(self._postgres.dsn("outage"))
        answered = [one.sent for one in deliveries if one.status == 200]
        try:
            kept = await settled(answered, InboxTable(owner), {}, _SETTLE_SECONDS)
        finally:
            await owner.close()
        return len(kept.lost)

    async def _pinged(self, pings: int) -> list[float | None]:
        settings = self.deployment.settings
        async with (
            ClientSession(connector=TCPConnector(force_close=True)) as session,
            asyncio.TaskGroup() as group,
        ):
            tasks = []
            for _ in range(pings):
                one = _ping(session, settings.public_url, settings.webhook_key)
                tasks.append(group.create_task(one))
                await asyncio.sleep(1 / PINGS_A_SECOND)
        return [task.result() for task in tasks]


async def _ping(session: ClientSession, url: str, key: str) -> float | None:
    try:
        return await ping(session, url, key)
    except (AssertionError, ClientError, TimeoutError, OSError):
        return None


def show(deliveries: Sequence[Delivery]) -> None:
    """The first that were not answered as they must be."""
    for one in [one for one in deliveries if any(judged([one]).values())][:20]:
        print(f"webhook {one.sent.message_id}: status {one.status} after {one.seconds:.2f} s")


def main() -> int:
    """The command; its exit code."""
    asked = campaign.arguments("outage", __doc__, seconds=60, pings=2_000)

    def play(stack: Stack) -> tuple[Deployment, dict[str, Any]]:
        outage = Outage(stack, random.Random(asked.seed))
        return outage.deployment, asyncio.run(outage.run(asked.seconds, asked.pings))

    return staged("outage", asked.seed, play, broken)


if __name__ == "__main__":
    sys.exit(main())
