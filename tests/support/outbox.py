"""What the service told, as it waits in the outbox."""

import json
from typing import Any, NamedTuple

from schemas.topics import Topic
from service.store import outbox_rows
from service.store.pool import Database

MANY = 10_000
MANY_BYTES = 10**9


class Told(NamedTuple):
    """One waiting message, in the clear."""

    position: int
    topic: str
    kind: str
    key: str
    id: str
    body: dict[str, Any]


async def told(database: Database, topic: Topic = Topic.EVENTS) -> list[Told]:
    """Everything that waits for one topic, in order of position. Nothing is removed."""
    async with database.transaction() as unit:
        shards = await unit.conn.fetch("select distinct shard from outbox")
        numbers = [shard for (shard,) in shards]
        rows = await outbox_rows.waiting(unit, numbers, rows=MANY, size=MANY_BYTES)
        drafts = [(row.position, outbox_rows.opened(unit, row)) for row in rows]
    return [
        Told(
            position=position,
            topic=draft.topic,
            kind=draft.type.rpartition(".")[2],
            key=draft.key,
            id=str(draft.event_id),
            body=json.loads(draft.body),
        )
        for position, draft in drafts
        if draft.topic == topic and draft.body is not None
    ]


async def kinds(database: Database) -> list[str]:
    """Names of the events told so far, in order."""
    return [event.kind for event in await told(database)]


async def bodies(database: Database, kind: str) -> list[dict[str, Any]]:
    """Contents of the events of one kind, in order."""
    return [event.body for event in await told(database) if event.kind == kind]


async def only(database: Database, kind: str) -> dict[str, Any]:
    """The content of the one event of its kind."""
    (body,) = await bodies(database, kind)
    return body
