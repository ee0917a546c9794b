"""The memory of a real ingress while many of the largest webhooks come at once (H8, and section 2.1, K15)."""

import asyncio
import json

import pytest
from aiohttp import ClientSession

from tests.durability.conftest import Breakable
from tests.durability.load import Load, ping
from tests.overload.bench import attacked, memory_mib
from tests.overload.keys import large

pytestmark = [pytest.mark.process, pytest.mark.edge]

BOUND_MIB = 768
"""As README and ``service/ingress/limits.py`` say; the limit of the container in ``deploy``."""

LONGEST_ANSWER = 4.5
"""From the first byte sent: 3.5 s from the last one, as the README promises, and a second for the body."""


async def test_forty_of_the_largest_at_once_stay_within_the_bound_and_none_is_lost(
    breakable: Breakable,
) -> None:
    """I6: with Kafka and Postgres behind it. Each that was answered 200 is kept; the others are refused."""
    ingress = breakable.ingress()
    before, kept = ingress.process.pid, len(await _in_kafka(breakable))
    port = int(breakable.url.rpartition(":")[2])
    load = Load(lambda: breakable.url, breakable.key, rate=20.0)
    async with (
        attacked(port, "largest", 40, 15, breakable.key) as attack,
        ClientSession() as session,
    ):
        running = asyncio.create_task(load.run(4))
        pings = [await ping(session, breakable.url, breakable.key) for _ in range(20)]
        await running
    print(attack, f"peak {memory_mib(ingress.process.pid, 'VmHWM'):.0f} MiB")
    assert set(attack["ends"]) <= {"200", "503", "408"}
    assert attack["ends"]["200"] > 0
    assert attack["slowest"]["200"] < LONGEST_ANSWER
    await breakable.eventually("count(*) from spool", 0)
    assert len(await _in_kafka(breakable)) - kept >= attack["ends"]["200"]
    assert load.statuses() <= {200, 503}
    assert max(pings) < 2.0
    assert ingress.process.pid == before, "it was not ended and started again"
    assert memory_mib(ingress.process.pid, "VmHWM") < BOUND_MIB


async def _in_kafka(breakable: Breakable) -> list[str]:
    """Where Kafka has the largest, or their references; an ambiguous send may be there twice (K1)."""
    message_id = json.loads(large(1000))["meta"]["messageId"]
    return (await breakable.in_kafka({message_id})).get(message_id, [])
