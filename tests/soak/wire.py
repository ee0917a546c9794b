"""Requests by the hundred thousand, spoilt on the wire, to an ingress in a process of its own.

Case ``n`` of a seed is always the same (``--seed S --only N`` sends one), but for the times and random
numbers in its cookie. Every connection is judged as ``tests/fuzz`` does, and by the time of its answer.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.fuzz.harm import harm_in
from tests.fuzz.mutations import CANARY, ping, spoilt, webhook
from tests.fuzz.wire import PATIENCE, Outcome, converse
from tests.ingress.running import NOWHERE, ingress_environ
from tests.overload.bench import Server, served
from tests.soak.campaign import arguments, told
from tests.stack.ports import free_port

SECONDS: Final = 1.0
"""For an answer to what was sent whole."""

INCOMPLETE: Final = 408
INCOMPLETE_SECONDS: Final = 2.0
"""Where the server waits for the rest of a body: the second that it waits, and one to say so."""

GOOD_EVERY: Final = 50
_GAP: Final = 0.01
_LAG_EVERY: Final = 0.1
_APART: Final = 0.004
_WARM_UP: Final = 40_000
_TOLD_EVERY: Final = 10_000
_SHOWN: Final = 2_000
_LEAKS: Final = (CANARY, b"handler_failed")


@dataclass
class Tally:
    """What became of the connections."""

    cases: int = 0
    answered: int = 0
    closed: int = 0
    good: int = 0
    broken: int = 0
    longest_s: float = 0.0
    longest_incomplete_s: float = 0.0
    own_lag_s: float = 0.0
    """How late this process itself was at the worst: a machine that is too busy to measure shows here."""
    statuses: Counter[str] = field(default_factory=Counter)

    def breaks(self, what: str) -> None:
        """Count it, and print the first of them."""
        self.broken += 1
        if self.broken <= 10:
            print(what, file=sys.stderr, flush=True)


def late(outcome: Outcome, pieces: Sequence[bytes]) -> list[str]:
    """An answer that took too long, by what it says: 408 is for a request that was not sent whole."""
    if not outcome.final:
        has_head = b"\r\n\r\n" in b"".join(pieces).lstrip(b"\r\n")
        is_late = has_head and outcome.seconds >= SECONDS
        return ["a whole head was left without an answer"] if is_late else []
    is_whole = outcome.final[-1].status != INCOMPLETE
    most = SECONDS if is_whole else INCOMPLETE_SECONDS
    return [f"answered after {outcome.waited:.2f} s"] if outcome.waited >= most else []


def judge(tally: Tally, outcome: Outcome, pieces: Sequence[bytes], *, is_good: bool) -> list[str]:
    """The harm of one connection; what it took and what it was is counted."""
    final = [answer.status for answer in outcome.final]
    tally.statuses[" ".join(map(str, final[:3])) or "closed"] += 1
    tally.answered += bool(final)
    tally.closed += not final
    tally.good += is_good
    if final and final[-1] == INCOMPLETE:
        tally.longest_incomplete_s = max(tally.longest_incomplete_s, outcome.waited)
    elif final:
        tally.longest_s = max(tally.longest_s, outcome.waited)
    refused = [f"a good request was answered {final}"] if is_good and final != [200] else []
    return [*harm_in(outcome), *late(outcome, pieces), *refused]


def pieces_of(seed: int, number: int) -> list[bytes]:
    """Case ``number``: every ``GOOD_EVERY``-th is a good webhook or ping in one piece."""
    if is_good(number):
        return [(ping if number % (2 * GOOD_EVERY) else webhook)().written()]
    return spoilt(Random(seed << 32 | number))


def is_good(number: int) -> bool:
    """Whether the case is a request that has to be answered with 200."""
    return number % GOOD_EVERY == 0


async def one(tally: Tally, port: int, seed: int, number: int) -> None:
    """Send case ``number``, and judge what became of it."""
    pieces = pieces_of(seed, number)
    tally.cases += 1
    if tally.cases % _TOLD_EVERY == 0:
        print(f"{tally.cases:,} cases, {tally.broken} broken", flush=True)
    try:
        async with asyncio.timeout(PATIENCE + 3):
            outcome = await converse(port, pieces, gap=_GAP)
        harm = judge(tally, outcome, pieces, is_good=is_good(number))
        became = f"{outcome!r:.{_SHOWN}}"
    except Exception as error:  # noqa: BLE001 - no HTTP, no connection, no end: all of it breaks
        harm, became = [f"{type(error).__name__}: {error}"], ""
    if harm:
        tally.breaks(f"--seed {seed} --only {number}: {harm}\n{pieces!r:.{_SHOWN}}\n{became}")


async def send(tally: Tally, port: int, seed: int, numbers: Sequence[int], at_once: int) -> None:
    """All of the cases, so many at once; over when the last connection is."""
    waiting = iter(numbers)
    watching = asyncio.create_task(_watch_own_lag(tally))
    try:
        workers = (_worker(tally, port, seed, waiting, order) for order in range(at_once))
        await asyncio.gather(*workers)
    finally:
        watching.cancel()


async def _watch_own_lag(tally: Tally) -> None:
    while True:
        begun = time.monotonic()
        await asyncio.sleep(_LAG_EVERY)
        tally.own_lag_s = max(tally.own_lag_s, time.monotonic() - begun - _LAG_EVERY)


async def _worker(tally: Tally, port: int, seed: int, waiting: Iterator[int], order: int) -> None:
    """One connection after the other; not all workers begin at once, lest this process be late itself."""
    await asyncio.sleep(order * _APART)
    for number in waiting:
        await one(tally, port, seed, number)


async def run(
    server: Server, seed: int, numbers: Sequence[int], at_once: int
) -> tuple[Tally, dict[str, object]]:
    """The whole of it; memory is compared with what it was after the first cases."""
    tally, begun = Tally(), time.monotonic()
    warm_up = min(_WARM_UP, len(numbers) // 5)
    await send(tally, server.port, seed, numbers[:warm_up], at_once)
    before = server.now_mib
    await send(tally, server.port, seed, numbers[warm_up:], at_once)
    growth = (server.now_mib / before - 1) * 100
    seconds = time.monotonic() - begun
    if not server.process.is_running:
        tally.breaks(f"the server ended with {server.process.exit_code}")
    for number in (0, GOOD_EVERY):
        await one(tally, server.port, seed, number)
    return tally, {
        "rss_mib": round(before, 1),
        "rss_growth_percent": round(growth, 2),
        "per_second": round(len(numbers) / seconds),
        "connections": at_once,
    }


def look_through(tally: Tally, log: Path) -> None:
    """A fault that nobody was told of, or a word of a request, in the server's log."""
    with log.open("rb") as lines:
        for line in lines:
            if any(leak in line.lower() for leak in _LEAKS):
                tally.breaks(f"in the server's log: {line[:_SHOWN]!r}")


def main() -> int:
    """Run the campaign, or send one case."""
    chosen = arguments("wire", __doc__, cases=200_000, connections=512, only=-1)
    numbers = range(chosen.cases) if chosen.only < 0 else [chosen.only]
    port = free_port()
    environ = ingress_environ(NOWHERE, http_port=port)
    with tempfile.TemporaryDirectory() as folder:
        with served(Path(folder), port, "tests.soak.ingress", environ=environ) as server:
            tally, measured = asyncio.run(run(server, chosen.seed, numbers, chosen.connections))
        look_through(tally, server.process.log_path)
    print(dict(tally.statuses.most_common(30)))
    counted = {
        "cases": tally.cases,
        "answered": tally.answered,
        "closed": tally.closed,
        "good": tally.good,
        "longest_s": round(tally.longest_s, 3),
        "longest_incomplete_s": round(tally.longest_incomplete_s, 3),
        "own_lag_s": round(tally.own_lag_s, 3),
    }
    return told("wire", chosen.seed, tally.broken, {**counted, **measured})


if __name__ == "__main__":
    raise SystemExit(main())
