"""``python -m tests.soak.storm_load PORT BODIES TIMES SEED``: every body, so many times, at full speed.

Closed loop, so many connections, each sending as soon as it was answered. The copies of a body are spread over a
window, among those of others. What is answered 503, or not at all, is sent again when the rest is
through, as often as it takes: so does Metriport when it is asked to. Prints what was answered, as JSON.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.bench import bodies
from tests.bench.figures import OK, percentile
from tests.bench.wire import Asker, requests

CONNECTIONS: Final = 48
WINDOW: Final = 1_000
"""How many ids apart the copies of one may be at most."""

PAUSE_SECONDS: Final = 1.0
GIVE_UP_SECONDS: Final = 60.0
"""For what was refused, after everything was sent once."""

AGAIN: Final = frozenset({0, 503})


def order(count: int, times: int, rng: random.Random) -> list[int]:
    """Numbers of bodies in the order of their deliveries."""
    places = (number for number in range(count) for _ in range(times))
    spread = sorted((number + rng.random() * WINDOW, number) for number in places)
    return [number for _, number in spread]


class Storm:
    """One storm against one port."""

    def __init__(self, port: int, sent: Sequence[bytes], turns: Sequence[int]) -> None:
        self._port, self._sent = port, sent
        self._waiting = deque(turns)
        self._refused: list[int] = []
        self.statuses: Counter[int] = Counter()
        self.latencies: list[float] = []

    async def run(self) -> dict[str, object]:
        """Send all, and what was refused until it is taken; what was answered."""
        count, began = len(self._waiting), time.monotonic()
        await self._all_once()
        first = time.monotonic() - began
        refused = len(self._refused)
        ends = time.monotonic() + GIVE_UP_SECONDS
        while self._refused and time.monotonic() < ends:
            await asyncio.sleep(PAUSE_SECONDS)
            self._waiting.extend(self._refused)
            self._refused.clear()
            await self._all_once()
        return {
            "deliveries": count,
            "answered_200": self.statuses[OK],
            "refused_then_repeated": refused - len(self._refused),
            "never_taken": count - self.statuses[OK],
            "statuses": {str(status): many for status, many in self.statuses.items()},
            "answer_p50_ms": round(percentile(self.latencies, 50) * 1e3, 1),
            "answer_p99_ms": round(percentile(self.latencies, 99) * 1e3, 1),
            "answer_max_ms": round(max(self.latencies) * 1e3, 1),
            "per_second": round(count / first, 1),
            "began": began,
            "ended": time.monotonic(),
        }

    async def _all_once(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(CONNECTIONS, len(self._waiting))):
                group.create_task(self._one_after_the_other())

    async def _one_after_the_other(self) -> None:
        asker = Asker(self._port)
        while self._waiting:
            number, began = self._waiting.popleft(), time.perf_counter()
            status = await asker.ask(self._sent[number])
            if status:
                self.latencies.append(time.perf_counter() - began)
            self.statuses[status] += 1
            if status in AGAIN:
                self._refused.append(number)
        asker.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.storm_load", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("bodies", type=Path)
    parser.add_argument("times", type=int)
    parser.add_argument("seed", type=int)
    options = parser.parse_args()
    sent = requests(bodies.read(options.bodies))
    turns = order(len(sent), options.times, random.Random(options.seed))
    print(json.dumps(asyncio.run(Storm(options.port, sent, turns).run())))


if __name__ == "__main__":
    main()
