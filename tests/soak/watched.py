"""``python -m tests.soak.watched ROLE``: the product, with a watch on how late its event loop is.

The product knows nothing of this: its ``run`` is wrapped from outside. Every hundredth of a second
somebody asks to be called; by how much the call comes too late goes to the file that ``LOOP_LAG``
names, once a second: when (``CLOCK_MONOTONIC``, which all processes share), the worst, and how often it was
more than ``LONG``. A loop that waits for a processor is late too, and so are those whom it answers.
"""

import asyncio
import functools
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from consumers import main as product

VARIABLE: Final = "LOOP_LAG"
EVERY: Final = 0.01
LONG: Final = 0.1
_A_SECOND: Final = 1.0


class Lag(NamedTuple):
    """One second: its end, the worst delay in it in seconds, and how many were long."""

    at: float
    worst: float
    long: int


async def watch(file: Path) -> None:
    """Write down how late the loop is, until cancelled."""
    with file.open("a", encoding="ascii", buffering=1) as told:
        while True:
            print(*await _second(), file=told)


async def _second() -> Lag:
    ends, worst, long = time.monotonic() + _A_SECOND, 0.0, 0
    while (due := time.monotonic() + EVERY) < ends:
        await asyncio.sleep(EVERY)
        late = time.monotonic() - due
        worst, long = max(worst, late), long + (late > LONG)
    return Lag(time.monotonic(), worst, long)


def lags(file: Path, since: float, until: float) -> list[Lag]:
    """What was written of this time."""
    rows = [line.split() for line in file.read_text(encoding="ascii").splitlines()]
    told = [Lag(float(at), float(worst), int(long)) for at, worst, long in rows]
    return [one for one in told if since <= one.at <= until + _A_SECOND]


def _watching(run: Callable[..., Awaitable[int]], file: Path) -> Callable[..., Awaitable[int]]:
    @functools.wraps(run)
    async def wrapped(*arguments: Any) -> int:
        watching = asyncio.create_task(watch(file), name="loop-lag")
        try:
            return await run(*arguments)
        finally:
            watching.cancel()

    return wrapped


if __name__ == "__main__":
    original = getattr(product, "run")  # noqa: B009 - the module's own import, not for others
    setattr(product, "run", _watching(original, Path(os.environ[VARIABLE])))  # noqa: B010 - as above
    product.main(sys.argv[1:])
