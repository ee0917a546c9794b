"""The webhooks of a query in any order, repeated, by several consumers, on a real database (I1).

The rules alone are tested so in ``tests/ias``; here the rows, the locks and the outbox take part.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from consumers.processor import Processor
from service.store.pool import Database
from tests.fuzz.profiles import times
from tests.support import people, records
from tests.support.outbox import told
from tests.support.people import Person

NAMES = ("hie.first-data-ready", "hie.completed", "pharmacy.failed", "lab.completed")
ENDS = {
    "hie": ("completed", "2026-06-01"),
    "pharmacy": ("failed", "2026-06-01"),
    "lab": ("completed", "2026-06-02"),
}
"""What the recorded webhooks say of each source, and on which day it ended."""


def arrivals(draw: random.Random, who: Person, request_id: str) -> list[Any]:
    """Every webhook at least once, some again as a new message or without its metadata."""
    bodies = []
    for name in (*NAMES, *draw.choices(NAMES, k=draw.randint(0, 4))):
        body = records.again(records.sample(f"network-query.{name}"))
        body["meta"]["requestId"] = request_id
        body["payload"]["patientId"] = who.patient_id
        body["meta"].pop("data", None)
        bodies += [body] * draw.choice((1, 1, 2))
    draw.shuffle(bodies)
    return bodies


async def _sources(database: Database, query_id: Any) -> dict[str, tuple[str, str]]:
    statement = "select * from network_query_source where query_id = $1"
    async with database.connection() as connection:
        rows = await connection.fetch(statement, query_id)
    return {row["source"]: (row["status"], f"{row['finished_at']:%Y-%m-%d}") for row in rows}


async def test_a_query_ends_the_same_way_in_whatever_order_its_webhooks_come(
    database: Database, make_process: Callable[[], Processor]
) -> None:
    """I1: same rows, one end, and no word about a source twice."""
    consumers = [make_process() for _ in range(3)]
    for seed in range(times(20)):
        draw = random.Random(seed)
        who = await people.person(database, f"subject-{seed}", f"patient-{seed}")
        query_id = await people.started_query(database, who, f"request-{seed}")
        bodies = arrivals(draw, who, f"request-{seed}")
        for first in range(0, len(bodies), len(consumers)):
            batch = bodies[first : first + len(consumers)]
            async with asyncio.timeout(20):
                await asyncio.gather(
                    *(
                        process(records.webhook(body))
                        for process, body in zip(consumers, batch, strict=False)
                    )
                )
        assert await _sources(database, query_id) == ENDS, seed
        heard = [one for one in await told(database) if one.key == who.subject_id]
        assert [one.body["sequence"] for one in heard] == list(range(1, len(heard) + 1)), seed
        (end,) = [one for one in heard if one.kind == "NetworkQueryFinished"]
        assert (end is heard[-1], end.body["status"]) == (True, "partial"), seed
        updates = [one.body for one in heard if one.kind == "NetworkQuerySourceUpdated"]
        ended = [body["source"] for body in updates if body["status"] != "processing"]
        assert sorted(ended) == sorted(ENDS), seed
