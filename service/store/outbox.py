"""Outbox: what other services will be told, written in the transaction that makes it true.

Rows are encrypted under the subject's data key while they wait. Within one subject the position in
the table is the order of commits, because whoever emits holds the subject's row lock.
"""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import msgspec
from asyncpg import Record

from schemas.base import Event
from schemas.dead_letters import DEAD_LETTER_TYPE, DeadLetter
from schemas.ids import CommandId, SubjectId
from schemas.links import LINK_TYPE, Link
from schemas.topics import Topic
from service.crypto.envelope import Place
from service.store import commands, subjects
from service.store.unit import Unit

UNSEQUENCED: Final = 0
"""Rules make events with this sequence; ``emit`` gives the real one."""

SHARDS: Final = 64
CHANNEL: Final = "ias_outbox"

INSERT = """
insert into outbox
    (event_id, topic, key, shard, type, subject_id, body, occurred_at, traceparent)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
NOTIFY = f"notify {CHANNEL}"
CLAIM_SHARD = """
select shard from outbox_shard s
where exists (select from outbox o where o.shard = s.shard)
order by random() limit 1 for update skip locked
"""
WAITING = """
select position, event_id, topic, key, type, subject_id, body, occurred_at, traceparent
from outbox where shard = $1 order by position limit $2
"""
REMOVE = "delete from outbox where position = any($1::bigint[])"
OLDEST = """
select extract(epoch from now() - created_at) from outbox order by position limit 1
"""


class Draft(NamedTuple):
    """One message to publish, in the clear."""

    event_id: UUID
    topic: str
    key: str
    type: str
    body: bytes
    occurred_at: datetime
    traceparent: str | None = None


class Row(NamedTuple):
    """A draft that waits, and its position."""

    position: int
    draft: Draft


async def emit(unit: Unit, event: Event, *, ends: bool = False) -> UUID:
    """Write an event, with its place in the subject's sequence and its command's metadata.

    ``ends``: the event is the final answer to its command and is kept for repeats of it.
    """
    sequence = await subjects.next_sequence(unit, event.subject_id)
    metadata = await commands.metadata(unit, event.subject_id, event.command_id)
    event = msgspec.structs.replace(event, sequence=sequence, metadata=metadata)
    event_id, event_type = uuid4(), f"ias.event.{type(event).__name__}"
    body = msgspec.json.encode(event)
    if ends and event.command_id is not None:
        await commands.finish(unit, event.subject_id, event.command_id, event_id, event_type, body)
    draft = Draft(event_id, Topic.EVENTS, event.subject_id, event_type, body, unit.now)
    await _write_encrypted(unit, draft, event.subject_id)
    return event_id


async def repeat_final(unit: Unit, subject_id: SubjectId, command_id: CommandId) -> bool:
    """Publish the command's final event again, same id and sequence; whether it has one yet."""
    final = await commands.final(unit, subject_id, command_id)
    if final is None:
        return False
    draft = Draft(final.event_id, Topic.EVENTS, subject_id, final.type, final.body, final.time)
    await _write_encrypted(unit, draft, subject_id)
    return True


async def issue_link(unit: Unit, link: Link) -> None:
    """Write a bearer link to the one topic that carries them."""
    body = msgspec.json.encode(link)
    draft = Draft(link.link_id, Topic.LINKS, link.subject_id, LINK_TYPE, body, unit.now)
    await _write_encrypted(unit, draft, link.subject_id)


async def put_aside(unit: Unit, letter: DeadLetter, event_id: UUID) -> None:
    """Write a dead letter; its content is sealed already."""
    body = msgspec.json.encode(letter)
    await _insert(unit, Draft(event_id, Topic.DEAD_LETTERS, "", DEAD_LETTER_TYPE, body, unit.now))


async def emit_without_subject(unit: Unit, event: Event) -> None:
    """Write an event about a message that names no readable subject; it has no sequence."""
    kind = f"ias.event.{type(event).__name__}"
    body = msgspec.json.encode(event)
    await _insert(unit, Draft(uuid4(), Topic.EVENTS, event.subject_id, kind, body, unit.now))


async def claim_shard(unit: Unit) -> int | None:
    """A shard with waiting rows, locked until the transaction ends; ``None`` when there is none."""
    shard: int | None = await unit.conn.fetchval(CLAIM_SHARD)
    return shard


async def waiting(unit: Unit, shard: int, limit: int) -> list[Row]:
    """The oldest rows of a shard, decrypted, in order."""
    records: Sequence[Record] = await unit.conn.fetch(WAITING, shard, limit)
    return [await _open(unit, record) for record in records]


async def remove(unit: Unit, positions: list[int]) -> None:
    """Forget rows that the broker has acknowledged."""
    await unit.conn.execute(REMOVE, positions)


async def oldest_age(unit: Unit) -> float:
    """Seconds that the oldest row has been waiting."""
    return float(await unit.conn.fetchval(OLDEST) or 0)


async def _write_encrypted(unit: Unit, draft: Draft, subject_id: SubjectId) -> None:
    key = await subjects.data_key(unit, subject_id)
    box = key.encrypt(draft.body, _place(draft.event_id))
    await _insert(unit, draft._replace(body=box), subject_id)


async def _insert(unit: Unit, draft: Draft, subject_id: SubjectId | None = None) -> None:
    shard = shard_of(draft.key)
    trace = draft.traceparent or unit.traceparent
    head = (draft.event_id, draft.topic, draft.key, shard, draft.type)
    await unit.conn.execute(INSERT, *head, subject_id, draft.body, draft.occurred_at, trace)
    await unit.conn.execute(NOTIFY)


async def _open(unit: Unit, record: Record) -> Row:
    body = record["body"]
    if record["subject_id"] is not None:
        key = await subjects.data_key(unit, record["subject_id"])
        body = key.decrypt(body, _place(record["event_id"]))
    draft = Draft(
        event_id=record["event_id"],
        topic=record["topic"],
        key=record["key"],
        type=record["type"],
        body=body,
        occurred_at=record["occurred_at"],
        traceparent=record["traceparent"],
    )
    return Row(record["position"], draft)


def shard_of(key: str) -> int:
    """The shard of a key; all rows of one subject share one."""
    return zlib.crc32(key.encode()) % SHARDS


def _place(event_id: UUID) -> Place:
    return Place("outbox", "body", str(event_id))
