"""Closed loop: every connection sends its next request as soon as the last is answered.

``wrk`` where it is installed. Without it, this module in a process of its own: the same requests over
raw sockets, but Python, so that it takes a larger share of a small machine from what it measures.
"""

import argparse
import asyncio
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.bench import bodies
from tests.bench.figures import OK, Round, percentile
from tests.bench.wire import PATH, Client, connect, requests

CONNECTIONS = 64
ROOT = Path(__file__).parent.parent.parent
SCRIPT = Path(__file__).with_name("signed_bodies.lua")
_RESULT = "RESULT "
_SLACK_SECONDS = 20.0


class Hammer:
    """The generator of our own."""

    def __init__(self, sent: list[bytes]) -> None:
        self._sent = sent
        self._number = 0
        self._ends = 0.0
        self._since: dict[Client, float] = {}
        self._latencies: list[float] = []
        self._not_200 = self._failed = 0

    async def run(self, port: int, seconds: float) -> Round:
        """Send for so many seconds."""
        clients = [await connect(port, self._answered) for _ in range(CONNECTIONS)]
        start = time.perf_counter()
        self._ends = start + seconds
        for client in clients:
            self._send(client)
        await asyncio.sleep(seconds)
        took = time.perf_counter() - start
        for client in clients:
            client.close()
        return Round(
            answers=len(self._latencies),
            not_200=self._not_200,
            failed=self._failed,
            seconds=took,
            p50_ms=percentile(self._latencies, 50) * 1e3,
            p99_ms=percentile(self._latencies, 99) * 1e3,
        )

    def _send(self, client: Client) -> None:
        self._since[client] = time.perf_counter()
        client.send(self._sent[self._number % len(self._sent)])
        self._number += 1

    def _answered(self, client: Client, status: int) -> None:
        now = time.perf_counter()
        if not status:
            self._failed += 1
        elif now < self._ends:
            self._latencies.append(now - self._since[client])
            self._not_200 += status != OK
            self._send(client)


def generator() -> str:
    """Which load generator ``measure`` uses, for the report."""
    if shutil.which("wrk"):
        return f"wrk, 1 thread, {CONNECTIONS} connections"
    return (
        f"our own in Python, {CONNECTIONS} connections, because wrk is not installed"
        " (apt-get install wrk, brew install wrk): expect lower figures"
    )


def measure(port: int, file: Path, seconds: int) -> Round:
    """Run the closed loop against a port."""
    wrk = shutil.which("wrk")
    if wrk:
        options = [f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
        command = [wrk, "-t1", *options, f"http://127.0.0.1:{port}{PATH}"]
    else:
        command = [sys.executable, "-m", "tests.bench.closed", str(port), str(file), str(seconds)]
    printed = subprocess.run(
        command,
        env={"PATH": os.environ.get("PATH", os.defpath), "BENCH_BODIES": str(file)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + _SLACK_SECONDS,
        check=True,
    ).stdout
    result = next(line for line in printed.splitlines() if line.startswith(_RESULT))
    return Round(**json.loads(result.removeprefix(_RESULT)))


def main() -> None:
    """``python -m tests.bench.closed PORT BODIES SECONDS``."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.closed", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("bodies", type=Path)
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()
    hammer = Hammer(requests(bodies.read(options.bodies)))
    made = asyncio.run(hammer.run(options.port, options.seconds))
    print(_RESULT + json.dumps(dataclasses.asdict(made)))


if __name__ == "__main__":
    main()
