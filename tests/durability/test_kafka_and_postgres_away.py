"""I6 on whole processes: what was answered 200 is never lost, whatever is away.

``DURABILITY_SECONDS=600`` makes the outage as long as a real one.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.durability.conftest import Breakable
from tests.durability.load import Load, ping
from tests.stack.processes import answers

pytestmark = [pytest.mark.process, pytest.mark.edge]

OUTAGE_SECONDS = float(os.environ.get("DURABILITY_SECONDS", "12"))
LONGEST_ANSWER = 3.5
"""Seconds, as the README promises; Metriport's docs ask for an answer within four."""


async def test_kafka_away_loses_nothing_and_the_spool_drains_by_itself(
    breakable: Breakable,
) -> None:
    """I1, I6: every answer is a 200 in time, the ingress stays ready, each webhook takes effect once."""
    load = Load(lambda: breakable.url, breakable.key, rate=60.0)
    running = asyncio.create_task(load.run(OUTAGE_SECONDS + 4))
    await asyncio.sleep(2)
    breakable.broker.freeze()
    try:
        await asyncio.sleep(OUTAGE_SECONDS)
        assert await asyncio.to_thread(breakable.is_ready)
        async with ClientSession() as session:
            assert await ping(session, breakable.url, breakable.key) < 2.0
        assert breakable.count("count(*) from spool") > 0
    finally:
        breakable.broker.thaw()
    await running
    assert load.statuses() == {200}
    assert load.slowest() < LONGEST_ANSWER
    patience = 40.0 + OUTAGE_SECONDS / 5
    await breakable.eventually("count(*) from spool", 0, patience)
    await breakable.all_took_effect({answer.message_id for answer in load.answers}, patience)


async def test_postgres_away_has_no_effect_on_the_answer(breakable: Breakable) -> None:
    """I6: Kafka alone is enough."""
    load = Load(lambda: breakable.url, breakable.key, rate=60.0)
    breakable.postgres.crash()
    try:
        await load.run(3)
        assert await asyncio.to_thread(breakable.is_ready)
    finally:
        breakable.postgres.restart()
    assert load.statuses() == {200}
    assert load.slowest() < LONGEST_ANSWER


async def test_with_both_away_the_answer_is_an_honest_no_and_quick(breakable: Breakable) -> None:
    """I6: 503 leaves the webhook with the vendor, as a failed delivery."""
    load = Load(lambda: breakable.url, breakable.key, rate=60.0)
    breakable.postgres.crash()
    breakable.broker.freeze()
    try:
        await load.run(5)
        async with ClientSession() as session:
            assert await ping(session, breakable.url, breakable.key) < 2.0
        assert await asyncio.to_thread(breakable.is_ready)
    finally:
        breakable.broker.thaw()
        breakable.postgres.restart()
    refused = [answer for answer in load.answers if answer.status == 503]
    assert load.statuses() <= {200, 503}
    assert len(refused) > len(load.answers) / 2
    assert load.slowest() < LONGEST_ANSWER
    late = sorted(answer.seconds for answer in refused[len(refused) // 2 :])
    assert late[len(late) // 2] < 1.0, "once it is known that both are away, the no is quick"


async def test_restarting_the_ingress_under_load_loses_nothing_and_answers_no_error(
    breakable: Breakable,
) -> None:
    """I6: readiness fails first, requests under way finish, and a second replica takes over."""
    first, second = breakable.ingress(), breakable.another_ingress()
    replicas = [first, second]
    ready = dict.fromkeys(range(2), True)

    async def watch() -> None:
        while True:
            for number, replica in enumerate(replicas):
                ready[number] = await asyncio.to_thread(answers, f"{replica.internal}/readyz")
            await asyncio.sleep(0.05)

    turn = itertools.count()

    def target() -> str:
        return next(replicas[n % 2].url for n in turn if ready[n % 2])

    await breakable.eventually("count(*) from spool", 0)
    load = Load(target, breakable.key, rate=60.0)
    async with background(watch(), load.run(9)) as running:
        await asyncio.sleep(1)
        assert await asyncio.to_thread(first.process.terminate, 15.0) == 0
        first.process.start().wait_ready(f"{first.internal}/readyz")
        await asyncio.sleep(0.5)
        assert await asyncio.to_thread(second.process.terminate, 15.0) == 0
        await running[1]
    assert load.statuses() == {200}
    assert load.slowest() < LONGEST_ANSWER


async def test_pings_are_answered_while_the_ingress_drains(breakable: Breakable) -> None:
    """SIGTERM: readiness fails at once, and whoever does not know it yet is still served."""
    draining = breakable.another_ingress()
    ending = asyncio.create_task(asyncio.to_thread(draining.process.terminate, 15.0))
    async with asyncio.timeout(5):
        while await asyncio.to_thread(answers, f"{draining.internal}/readyz"):
            await asyncio.sleep(0.01)
    async with ClientSession() as session:
        assert await ping(session, draining.url, breakable.key) < 2.0
    assert not ending.done(), "the ping was answered after the end"
    assert await ending == 0


@asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Tasks that do not outlive the context."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
