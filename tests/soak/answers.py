"""``python -m tests.soak.answers``: how soon webhooks are answered by an ingress that has one core.

The real ingress, bound to a core of its own; everything else, the load with it, has the other cores. Signed
webhooks come in an open loop, ``--rate`` a second for ``--seconds``, on connections that stay open, and an
answer's time counts from the moment its webhook was due. Afterwards consumers are started, and each webhook
that was answered 200 must be in the inbox. Broken is a webhook that was not answered 200, or was lost.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from tests.bench import bodies, paced
from tests.bench.figures import OK, Shots
from tests.soak import apart, cores
from tests.soak.campaign import arguments
from tests.soak.deliveries import Sent
from tests.soak.kept import InboxTable, settled
from tests.soak.staged import staged
from tests.soak.standing import Standing
from tests.stack.lifetime import Stack

WARM_SECONDS: Final = 5
"""The first answers of a process are slower, and no deployment has them for long."""

_TELL_SECONDS: Final = 10.0
_SETTLE_SECONDS: Final = 60.0
_HANDLED_A_SECOND: Final = 200
"""Consumers are faster than this; so long is waited for what they have to do."""


@dataclass(frozen=True)
class Pace:
    """How many webhooks a second, and for how long."""

    rate: int
    seconds: int

    @property
    def count(self) -> int:
        """How many in all."""
        return self.rate * self.seconds


def figures(shots: Shots, pace: Pace, kept: int) -> dict[str, Any]:
    """What was measured; ``kept`` webhooks are in the inbox.

    Nobody says which webhook an answer was for: where one was not answered 200 and is kept all the same, it
    stands for one that is lost. Then the campaign is broken anyway.
    """
    good = shots.statuses[OK]
    took = pace.seconds + shots.late[-1]
    return {
        "webhooks": len(shots.shots),
        "rate_per_s": round(len(shots.late) / took, 1),
        "answer_p50_ms": round(shots.percentile_ms(50), 1),
        "answer_p99_ms": round(shots.percentile_ms(99), 1),
        "answer_p999_ms": round(shots.percentile_ms(99.9), 1),
        "answer_max_ms": round(shots.slowest_ms, 1),
        "sent_late_p99_ms": round(shots.late_ms(99), 1),
        "not_200": len(shots.shots) - good,
        "lost": max(good - kept, 0),
    }


def broken(found: Mapping[str, Any]) -> int:
    """How many webhooks were not answered as they must be, or lost."""
    return int(found["not_200"] + found["lost"])


def ids(file: Path) -> list[Sent]:
    """The webhooks of a file; their bodies are not needed any more."""
    return [Sent(json.loads(body)["meta"]["messageId"], b"") for _, body in bodies.read(file)]


class Answers:
    """One run over one deployment, whose ingress has the cores ``alone``."""

    def __init__(self, deployment: Standing, alone: frozenset[int]) -> None:
        self._deployment = deployment
        self._pid = deployment.processes["ingress"].pid
        cores.bind(self._pid, alone)

    async def run(self, pace: Pace) -> dict[str, Any]:
        """Everything; the figures."""
        await self._paced("warm", Pace(pace.rate, WARM_SECONDS))
        began = time.monotonic()
        telling = asyncio.create_task(self._tell(began), name="progress")
        try:
            shots = await self._paced("measured", pace)
        finally:
            telling.cancel()
        lag = self._deployment.lag(began, time.monotonic())
        had = len(cores.bound(self._pid))
        found = figures(shots, pace, await self._kept(pace))
        return {"cores_ingress": had, **found, "loop_lag_max_ms": lag["loop_lag_max_ms"]}

    async def _paced(self, name: str, pace: Pace) -> Shots:
        settings, file = self._deployment.settings, self._file(name)
        await asyncio.to_thread(bodies.write, file, settings.webhook_key, pace.count)
        command = paced.command(settings.ingress_port, file, pace.rate, pace.seconds)
        within = pace.seconds + paced.SLACK_SECONDS
        _, printed = await apart.python(*command, within=within)
        shots = Shots.from_json(json.loads(printed))
        print(f"{name}: answers by status {dict(shots.statuses)}", flush=True)
        return shots

    async def _tell(self, began: float) -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            now = time.monotonic()
            late = self._deployment.lag(now - _TELL_SECONDS, now)["loop_lag_max_ms"]
            print(f"{now - began:.0f} s: the ingress's loop was late by {late} ms at most")

    async def _kept(self, pace: Pace) -> int:
        """How many of the measured webhooks the inbox has, once consumers have read them."""
        self._deployment.start_role("consumers")
        await asyncio.to_thread(self._deployment.wait_ready, "consumers")
        sent = ids(self._file("measured"))
        within = _SETTLE_SECONDS + pace.count / _HANDLED_A_SECOND
        owner = await asyncpg.connect(self._deployment.postgres.dsn(self._deployment.database))
        try:
            return len(sent) - len((await settled(sent, InboxTable(owner), {}, within)).lost)
        finally:
            await owner.close()

    def _file(self, name: str) -> Path:
        return self._deployment.folder / f"{name}.bodies"


def main() -> int:
    """The command; its exit code."""
    asked = arguments("answers", __doc__, rate=500, seconds=120)

    def play(stack: Stack) -> tuple[Standing, dict[str, Any]]:
        with cores.spared() as alone:
            deployment = Standing(stack, "answers", ("ingress",)).start()
            run = Answers(deployment, alone).run(Pace(asked.rate, asked.seconds))
            return deployment, asyncio.run(run)

    return staged("answers", asked.seed, play, broken)


if __name__ == "__main__":
    sys.exit(main())
