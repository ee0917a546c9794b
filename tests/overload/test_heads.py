"""The clock of heads, with connections that are numbers."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

from service.ingress.heads import CUT_AT_ONCE, HeadClock
from tests.support.waiting import until

SECONDS = 0.05


class Cutter:
    """Who was cut, in the order in which it happened."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.cut: list[int] = []
        self.clock = HeadClock(asyncio.get_running_loop(), self.cut.append, seconds=seconds)


@contextlib.asynccontextmanager
async def counting_turns(cutter: Cutter) -> AsyncIterator[list[int]]:
    """How many had been cut at every turn of the loop."""
    seen: list[int] = []

    async def look() -> None:
        while True:
            seen.append(len(cutter.cut))
            await asyncio.sleep(0)

    looking = asyncio.create_task(look(), name="turns")
    try:
        yield seen
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def test_who_is_late_is_cut_once_and_in_the_order_in_which_their_clocks_began() -> None:
    cutter, loop = Cutter(), asyncio.get_running_loop()
    began = loop.time()
    for number in (3, 1, 2):
        cutter.clock.start(number)
    assert list(cutter.clock) == [3, 1, 2]
    await until(lambda: cutter.cut == [3, 1, 2])
    assert loop.time() - began >= SECONDS
    assert not list(cutter.clock)
    cutter.clock.start(4)
    await until(lambda: cutter.cut == [3, 1, 2, 4])


async def test_who_stopped_in_time_is_not_cut_and_has_a_whole_time_again_later() -> None:
    cutter = Cutter()
    cutter.clock.start(1)
    cutter.clock.start(2)
    cutter.clock.stop(1)
    cutter.clock.stop(9)
    await asyncio.sleep(SECONDS / 2)
    cutter.clock.start(1)
    await until(lambda: 2 in cutter.cut)
    assert 1 in cutter.clock, "its time began after the other's"
    await until(lambda: cutter.cut == [2, 1])


async def test_a_crowd_that_is_due_at_once_leaves_turns_of_the_loop_to_others() -> None:
    cutter, crowd = Cutter(), 10 * CUT_AT_ONCE + 7
    for number in range(crowd):
        cutter.clock.start(number)
    async with counting_turns(cutter) as seen:
        await until(lambda: len(cutter.cut) == crowd)
    steps = [after - before for before, after in itertools.pairwise(seen)]
    assert max(steps) <= CUT_AT_ONCE
    assert cutter.cut == list(range(crowd))


async def test_a_cut_that_fails_keeps_nobody_else() -> None:
    loop, failed = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: failed.append(context["exception"]))
    done: list[int] = []

    def cut(number: int) -> None:
        if number == 1:
            raise RuntimeError("no transport")
        done.append(number)

    clock: HeadClock[int] = HeadClock(loop, cut, seconds=SECONDS)
    for number in (1, 2):
        clock.start(number)
    await until(lambda: done == [2])
    assert [str(one) for one in failed] == ["no transport"]
