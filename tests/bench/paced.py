"""Open loop: requests leave at a fixed rate whatever the answers do.

A latency counts from the moment the request was *due*, so a server that stalls cannot make the
generator stall with it and hide that (coordinated omission). As many connections as it takes, up to a
cap; ``late`` says how far behind its own timetable the generator itself was.
"""

import argparse
import asyncio
import json
import time
from collections import deque
from pathlib import Path

from tests.bench import bodies
from tests.bench.figures import Shot, Shots
from tests.bench.wire import Client, connect, requests

MOST_CONNECTIONS = 1_000
TICK_SECONDS = 0.001
PATIENCE_SECONDS = 10.0
SLACK_SECONDS = 30.0
"""For the start and the end of a process that does it, ``PATIENCE_SECONDS`` among them."""


class Pace:
    """One run."""

    def __init__(self, port: int, sent: list[bytes]) -> None:
        self._port = port
        self._sent = sent
        self._idle: list[Client] = []
        self._due: deque[float] = deque()
        self._flying: dict[Client, float] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._shots: list[Shot] = []
        self._late: list[float] = []
        self._number = 0

    async def run(self, rate: float, seconds: float, connections: int) -> Shots:
        """Send for so many seconds, then wait for what is under way."""
        for _ in range(connections):
            self._idle.append(await connect(self._port, self._answered))
        start, count = time.perf_counter(), round(rate * seconds)
        for number in range(count):
            due = start + number / rate
            while (now := time.perf_counter()) < due:
                await asyncio.sleep(max(due - now, TICK_SECONDS))
            self._late.append(now - due)
            self._due.append(due)
            self._dispatch()
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while len(self._shots) < count and time.perf_counter() < deadline:
            await asyncio.sleep(0.01)
        lost = [Shot(PATIENCE_SECONDS, 0)] * (count - len(self._shots))
        for client in [*self._idle, *self._flying]:
            client.close()
        return Shots(shots=self._shots + lost, late=self._late)

    def _dispatch(self) -> None:
        while self._due and self._idle:
            client = self._idle.pop()
            if not client.is_open:
                continue
            self._flying[client] = self._due.popleft()
            client.send(self._sent[self._number % len(self._sent)])
            self._number += 1
        room = MOST_CONNECTIONS - len(self._flying) - len(self._idle) - len(self._opening)
        for _ in range(min(len(self._due) - len(self._opening), room)):
            task = asyncio.get_running_loop().create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        self._idle.append(await connect(self._port, self._answered))
        self._dispatch()

    def _answered(self, client: Client, status: int) -> None:
        self._shots.append(Shot(time.perf_counter() - self._flying.pop(client), status))
        if status:
            self._idle.append(client)
        self._dispatch()


def command(port: int, file: Path, rate: float, seconds: float) -> list[str]:
    """What runs it in a process of its own, with the bodies of a file; after ``python -m``."""
    options = {"port": port, "bodies": file, "rate": rate, "seconds": seconds}
    return ["tests.bench.paced", *(f"--{name}={value}" for name, value in options.items())]


def main() -> None:
    """``python -m tests.bench.paced``: print the run as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.paced", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bodies", type=Path, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    pace = Pace(options.port, requests(bodies.read(options.bodies)))
    shots = asyncio.run(pace.run(options.rate, options.seconds, options.connections))
    print(json.dumps(shots.as_json()))


if __name__ == "__main__":
    main()
