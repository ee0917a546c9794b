"""``python -m tests.soak.keys``: keys are rotated under signed webhooks, and nobody notices.

Two ingress and two consumers replicas, Postgres, Apache Kafka and the vendor's double. Two new webhook keys, then
new keys for what is stored and sealed, and so on, each in the order that operators are told (``rotations``). Broken is a
webhook of a good key that was not answered 200, one of a withdrawn key that was, one that was answered 200 and
is not in the inbox with its event once, a row under an older key after ``reencrypt``, and a replica that did not end
with 0. ``RATE`` is in webhooks a second.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import asyncpg

from tests.bench import consumers_seed
from tests.bench.consumers_seed import Started
from tests.bench.e2e_load import News
from tests.soak import campaign
from tests.soak.deliveries import ENDS, Deliveries, Sent, new_id, telling, webhooks
from tests.soak.fleet import Exit
from tests.soak.kept import SETTLE_SECONDS, InboxTable, Kept, settled
from tests.soak.keyed import Keyed
from tests.soak.looking import looked_at
from tests.soak.rolling import Rolling
from tests.soak.rotations import Rotations, Vendor
from tests.soak.staged import staged
from tests.stack.lifetime import Stack

RATE: Final = float(os.environ.get("RATE", "200"))
PARKED: Final = 20
"""Each so manieth webhook is of a query that nobody knows, and waits in Postgres, sealed."""

AT_REST_EVERY: Final = 3
"""Each so manieth rotation is of the keys at rest, which takes rolls of everything; the others of the webhook key."""

QUERIES_OF_ROTATION: Final = 120
"""About as many as a rotation has webhooks for. Their people's data keys are what is wrapped again."""

_QUIET_SECONDS: Final = 2.0
_SHOWN: Final = 20
_BROKEN: Final = (
    *("failed", "accepted_wrong", "lost", "doubled", "left_under_old_key", "bad_exits"),
)


def mixed(rng: random.Random, queries: Sequence[Started]) -> Iterator[Sent]:
    """Webhooks that are passed on, that are told in events, and that wait sealed."""
    others = webhooks(rng, queries)
    while True:
        message_id = new_id(rng)
        unknown = Started(
            *(f"{name}-of-{message_id}" for name in ("request", "patient", "subject"))
        )
        yield telling(message_id, unknown, ENDS[0])._replace(news=None)
        for _ in range(PARKED - 1):
            yield next(others)


def figures(
    vendor: Deliveries, rotations: Rotations, kept: Kept, exits: Sequence[Exit]
) -> dict[str, Any]:
    """What was counted and measured, for the last line."""
    return {
        "webhooks": len(vendor.all),
        "failed": sum(one.status != 200 for one in vendor.all),
        "accepted_wrong": rotations.accepted_wrong,
        "refused_rightly": rotations.refused_rightly,
        "lost": len(kept.lost),
        "doubled": len(kept.doubled),
        "left_under_old_key": rotations.left,
        "put_under_new_key": rotations.moved,
        "bad_exits": sum(one.code != 0 for one in exits),
        "answer_p50_ms": round(vendor.shots.percentile_ms(50), 1),
        "answer_p99_ms": round(vendor.shots.percentile_ms(99), 1),
        "longest_answer_s": round(vendor.shots.slowest_ms / 1e3, 3),
    }


def broken(found: Mapping[str, Any]) -> int:
    """How many things were not as they must be."""
    return sum(found[kind] for kind in _BROKEN)


class Campaign:
    """One run."""

    def __init__(self, rolling: Rolling[Keyed], rng: random.Random, rotations: int) -> None:
        self._rolling, self._rng, self._count = rolling, rng, rotations

    async def run(self) -> dict[str, Any]:
        """Everything; the figures."""
        async with looked_at(self._rolling) as (owner, events):
            return await self._measured(owner, events)

    async def _measured(
        self, owner: asyncpg.Connection, events: Mapping[News, set[str]]
    ) -> dict[str, Any]:
        rolling, settings = self._rolling, self._rolling.deployment.settings
        await rolling.begin()
        vendor = Vendor(rolling.endpoints.port, settings.webhook_key)
        probes = webhooks(random.Random(self._rng.random()), [])
        rotations = Rotations(rolling, vendor, owner, probes)
        began = time.perf_counter()
        await self._rotate_under(rotations)
        minutes = (time.perf_counter() - began) / 60
        answered = [one.sent for one in vendor.all if one.status == 200]
        kept = await settled(answered, InboxTable(owner), events, SETTLE_SECONDS)
        rotations.left += sum((await rotations.rows_left()).values())
        show(vendor, kept)
        found = figures(vendor, rotations, kept, rolling.fleet.exits)
        at_rest = len(range(1, self._count, AT_REST_EVERY))
        kinds = {"of_webhook_key": self._count - at_rest, "of_keys_at_rest": at_rest}
        return {"rotations": self._count, **kinds, **found, "minutes": round(minutes, 2)}

    async def _rotate_under(self, rotations: Rotations) -> None:
        stop, keys = asyncio.Event(), self._rolling.deployment.settings.keys
        count = self._count * QUERIES_OF_ROTATION
        queries = await consumers_seed.started(rotations.owner, keys["ENCRYPTION_KEYS"], count)
        sent, began = mixed(random.Random(self._rng.random()), queries), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            group.create_task(rotations.vendor.run(sent, RATE, stop))
            await asyncio.sleep(_QUIET_SECONDS)
            for number in range(self._count):
                at_rest = number % AT_REST_EVERY == 1
                await (rotations.at_rest() if at_rest else rotations.webhook_key())
                kind = "keys at rest" if at_rest else "webhook key"
                done = f"{len(rotations.vendor.all)} webhooks answered"
                print(f"rotation {number + 1}, {kind}: {time.perf_counter() - began:.0f} s, {done}")
            await self._rolling.finish()
            await asyncio.sleep(_QUIET_SECONDS)
            stop.set()


def show(vendor: Deliveries, kept: Kept) -> None:
    """The first of what broke."""
    for one in [one for one in vendor.all if one.status != 200][:_SHOWN]:
        print(f"webhook {one.sent.message_id}: status {one.status} after {one.seconds:.2f} s")
    for what, those in (("lost", kept.lost), ("doubled", kept.doubled)):
        for found in those[:_SHOWN]:
            print(f"{what}: {found}")


def main() -> int:
    """The command; its exit code."""
    asked = campaign.arguments("keys", __doc__, rotations=20)

    def play(stack: Stack) -> tuple[Keyed, dict[str, Any]]:
        rng = random.Random(asked.seed)
        rolling = Rolling(stack, rng, Keyed)
        return rolling.deployment, asyncio.run(Campaign(rolling, rng, asked.rotations).run())

    return staged("keys", asked.seed, play, broken)


if __name__ == "__main__":
    sys.exit(main())
