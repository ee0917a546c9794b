"""Rotations of keys under webhooks, each in the order that operators are told; what was wrong in one is noted."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from tests.soak.deliveries import Deliveries, Sent
from tests.soak.kept import SETTLE_SECONDS, InboxPart, settled
from tests.soak.keyed import AT_REST, OPENING, SEALING, Keyed
from tests.soak.keys_left import left
from tests.soak.rolling import Rolling
from tests.support.waiting import until

READ_AGAIN_SECONDS: Final = 2.0
"""The ingress reads a changed file again within one; the other is for a machine that is busy."""

OVERLAP_SECONDS: Final = 3.0
PROBES: Final = 20
"""Webhooks that are signed with a withdrawn key."""

ATTEMPTS: Final = 3
"""``reencrypt`` is run until it exits with 0, as operators are told, but not for ever."""


@dataclass
class Vendor(Deliveries):
    """Signs with its keys in turn."""

    def __post_init__(self) -> None:
        self.sign_with(self.key)

    def sign_with(self, *keys: str) -> None:
        """From now on."""
        self._keys = itertools.cycle(keys)

    def signing_key(self) -> str:
        """See ``Deliveries``."""
        return next(self._keys)


@dataclass
class Rotations:
    """What was done and found so far."""

    rolling: Rolling[Keyed]
    vendor: Vendor
    owner: asyncpg.Connection
    probes: Iterator[Sent]
    accepted_wrong: int = 0
    refused_rightly: int = 0
    left: int = 0
    """Rows that ``reencrypt`` left under older keys."""

    moved: int = 0
    """Rows that it put under the new ones."""

    _looked: int = field(default=0, init=False)

    @property
    def _deployment(self) -> Keyed:
        return self.rolling.deployment

    async def webhook_key(self) -> None:
        """Another key of the vendor's: both are good for a while, then the old one is taken away."""
        deployment, old = self._deployment, self._deployment.webhook_keys[0]
        new = await deployment.rotate_webhook_key()
        await asyncio.sleep(READ_AGAIN_SECONDS)
        self.vendor.sign_with(old, new)
        await asyncio.sleep(OVERLAP_SECONDS)
        self.vendor.sign_with(new)
        await self._nothing_waits()
        deployment.withdraw_webhook_keys()
        await asyncio.sleep(READ_AGAIN_SECONDS)
        await self.probe(old)

    async def probe(self, withdrawn: str) -> None:
        """Some webhooks with a key that is good no more, to whichever ingress has its turn."""
        forger = Deliveries(self.vendor.port, withdrawn)
        for sent in itertools.islice(self.probes, PROBES):
            await forger.deliver(sent)
        self.accepted_wrong += sum(one.status == 200 for one in forger.all)
        self.refused_rightly += sum(one.status == 401 for one in forger.all)

    async def at_rest(self) -> None:
        """Another key for what is stored, and another pair for what is sealed."""
        deployment, rolling = self._deployment, self.rolling
        old, new = deployment.settings.keys, await deployment.fresh_keys()
        sealing_before = old[OPENING].split(",")[0]
        opening = f"{new[OPENING]},{sealing_before}"
        deployment.give(**{AT_REST: f"{new[AT_REST]},{old[AT_REST]}", OPENING: opening})
        await rolling.roll("consumers")
        await rolling.finish()
        deployment.give(**{SEALING: new[SEALING]})
        await asyncio.gather(rolling.roll("ingress"), rolling.roll("consumers"))
        await rolling.finish()
        await self._nothing_waits()
        await self._reencrypted()
        # What Kafka keeps of the time before is read with the older sealing key, which goes a rotation later.
        deployment.give(**{AT_REST: new[AT_REST]})
        await rolling.roll("consumers")

    async def rows_left(self) -> dict[str, int]:
        """Rows under any but the newest keys, by table."""
        keys = self._deployment.settings.keys
        return await left(self.owner, keys[AT_REST].split(",")[0], keys[SEALING])

    async def _reencrypted(self) -> None:
        before = await self.rows_left()
        for _ in range(ATTEMPTS):
            code, said = await self._deployment.reencrypt()
            if not code:
                break
            print(f"reencrypt ended with {code}:\n{said}")
        after = await self.rows_left()
        print(f"under older keys: {before} before, {after or 'none'} after")
        self.left += sum(after.values())
        self.moved += sum(before.values()) - sum(after.values())

    async def _nothing_waits(self) -> None:
        """Return when all that is answered by now is in the inbox; what never comes is lost, and judged later."""
        flying = frozenset(self.vendor.under_way)
        await until(lambda: flying.isdisjoint(self.vendor.under_way), within=SETTLE_SECONDS)
        done = self.vendor.all[self._looked :]
        self._looked += len(done)
        answered = [one.sent._replace(news=None) for one in done if one.status == 200]
        await settled(answered, InboxPart(self.owner, answered), {}, SETTLE_SECONDS)
