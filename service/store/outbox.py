"""Outbox: what other services will be told, written in the transaction that makes it true.

The writing side; the relay's is in ``outbox_rows``. Rows are encrypted under the subject's data key
while they wait. Within one subject the position in the table is the order of commits, because
whoever emits holds the subject's row lock.
"""

import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import msgspec

from schemas.base import Event
from schemas.dead_letters import DEAD_LETTER_TYPE, DeadLetter
from schemas.ids import CommandId, SubjectId
from schemas.links import LINK_TYPE, Link, LinkKind
from schemas.record_requests import RECORD_REQUEST_TYPE, RecordRequest
from schemas.topics import Topic
from service.crypto.envelope import Place
from service.ias.audit import Kind
from service.ias.telling import ENDED_BY
from service.store import audit, commands, subjects
from service.store.unit import Unit

SHARDS: Final = 64
CHANNEL: Final = "ias_outbox"

INSERT = """
insert into outbox
    (event_id, topic, key, shard, type, subject_id, body, occurred_at, traceparent)
select event_id, topic, key, shard, type, subject_id, body, occurred_at, traceparent
from unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::text[],
    $7::bytea[], $8::timestamptz[], $9::text[]) with ordinality
    as row(event_id, topic, key, shard, type, subject_id, body, occurred_at, traceparent, place)
order by place
"""
NOTIFY = f"notify {CHANNEL}"
REMEMBER_KEY = """
insert into compacted_key (topic, key, subject_id) values ($1, $2, $3) on conflict do nothing
"""
KEYS = "select topic, key from compacted_key where subject_id = $1 order by topic, key"


class Draft(NamedTuple):
    """One message to publish, in the clear; without a body it is a tombstone."""

    event_id: UUID
    topic: str
    key: str
    type: str
    body: bytes | None
    occurred_at: datetime
    traceparent: str | None = None


class _News(NamedTuple):
    """An event that waits for its sequence and its command's metadata."""

    event_id: UUID
    event: Event
    ends: bool
    traceparent: str | None


class _Waiting(NamedTuple):
    """A message that waits to be written, and whose key encrypts it."""

    draft: Draft
    subject_id: SubjectId | None = None


async def emit(unit: Unit, event: Event, *, ends: bool = False) -> UUID:
    """Tell an event, with its place in the subject's sequence and its command's metadata.

    Like everything told, it is written with the unit's other messages before its next statement or
    commit. ``ends``: the event is the final answer to its command and is kept for repeats of it.
    """
    event_id = uuid4()
    unit.to_tell.append(_News(event_id, event, ends, unit.traceparent))
    return event_id


async def repeat_final(unit: Unit, subject_id: SubjectId, command_id: CommandId) -> bool:
    """Publish the command's final event again, same id and sequence; whether it has one yet."""
    final = await commands.final(unit, subject_id, command_id)
    if final is None:
        return False
    draft = Draft(final.event_id, Topic.EVENTS, subject_id, final.type, final.body, final.time)
    _tell(unit, draft, subject_id)
    return True


async def issue_link(unit: Unit, link: Link) -> None:
    """Tell a bearer link to the one topic that carries them."""
    body = msgspec.json.encode(link)
    draft = Draft(link.link_id, Topic.LINKS, link.subject_id, LINK_TYPE, body, unit.now)
    _tell(unit, draft, link.subject_id)
    if link.kind is LinkKind.CONSOLIDATED_DATA:
        await audit.record(unit, Kind.DATA_LINK_ISSUED, link.subject_id, link.link_id)


async def tell_state(unit: Unit, state: RecordRequest) -> None:
    """Tell the latest state of a record request; its key is remembered for the tombstone."""
    key, topic = str(state.request_id), Topic.RECORD_REQUESTS
    await unit.conn.execute(REMEMBER_KEY, topic, key, state.subject_id)
    body = msgspec.json.encode(state)
    _tell(unit, Draft(uuid4(), topic, key, RECORD_REQUEST_TYPE, body, unit.now), state.subject_id)


async def bury(unit: Unit, subject_id: SubjectId) -> None:
    """Tell a tombstone for every key of a compacted topic that holds something of the subject."""
    for topic, key in await unit.conn.fetch(KEYS, subject_id):
        _tell(unit, Draft(uuid4(), topic, key, RECORD_REQUEST_TYPE, None, unit.now))


async def tell_receipt(unit: Unit, event: Draft) -> None:
    """Tell the receipt of an erasure. It waits in the clear: its subject has no data key any more."""
    _tell(unit, event)


async def put_aside(unit: Unit, letter: DeadLetter, event_id: UUID) -> None:
    """Tell a dead letter; its content is sealed already."""
    body = msgspec.json.encode(letter)
    _tell(unit, Draft(event_id, Topic.DEAD_LETTERS, "", DEAD_LETTER_TYPE, body, unit.now))


async def emit_without_subject(unit: Unit, event: Event) -> None:
    """Tell an event about a message that names no readable subject; it has no sequence."""
    kind = f"ias.event.{type(event).__name__}"
    body = msgspec.json.encode(event)
    _tell(unit, Draft(uuid4(), Topic.EVENTS, event.subject_id, kind, body, unit.now))


async def flush(unit: Unit) -> None:
    """Write what the unit has to tell, in the order in which it was told.

    Raises:
        LookupError: an event is of somebody who is no subject.
    """
    if not unit.to_tell:
        return
    told = list(unit.to_tell)
    unit.to_tell.clear()
    complete = iter(await _complete(unit, [one for one in told if isinstance(one, _News)]))
    waiting = [next(complete) if isinstance(one, _News) else one for one in told]
    owners = {one.subject_id for one in waiting if one.subject_id is not None}
    await subjects.know_data_keys(unit, owners)
    columns = zip(*(_row(unit, one) for one in waiting), strict=True)
    await unit.conn.execute(INSERT, *map(list, columns))
    await unit.conn.execute(NOTIFY)


def _tell(unit: Unit, draft: Draft, subject_id: SubjectId | None = None) -> None:
    traced = draft._replace(traceparent=draft.traceparent or unit.traceparent)
    unit.to_tell.append(_Waiting(traced, subject_id))


async def _complete(unit: Unit, news: Sequence[_News]) -> list[_Waiting]:
    """The events with their numbers and metadata; final ones are kept with their commands."""
    if not news:
        return []
    following = await subjects.next_sequences(unit, Counter(one.event.subject_id for one in news))
    named = [(one.event.subject_id, one.event.command_id) for one in news]
    metadata = await commands.metadata(unit, [(who, which) for who, which in named if which])
    await subjects.know_data_keys(unit, following)
    waiting = []
    for one in news:
        subject_id, command_id = one.event.subject_id, one.event.command_id
        pairs = None if command_id is None else metadata.get((subject_id, command_id))
        number = following[subject_id]
        following[subject_id] += 1
        event = msgspec.structs.replace(one.event, sequence=number, metadata=pairs)
        kind, body = f"ias.event.{type(event).__name__}", msgspec.json.encode(event)
        if one.ends and command_id is not None:
            final = commands.Final(one.event_id, kind, body, unit.now)
            of = ENDED_BY[type(one.event)]
            await commands.finish(unit, subject_id, command_id, final, of)
        draft = Draft(one.event_id, Topic.EVENTS, subject_id, kind, body, unit.now, one.traceparent)
        waiting.append(_Waiting(draft, subject_id))
    return waiting


def _row(unit: Unit, waiting: _Waiting) -> tuple[Any, ...]:
    draft, subject_id = waiting
    body = draft.body
    if subject_id is not None and body is not None:
        body = unit.data_keys[subject_id].encrypt(body, box_place(draft.event_id))
    head = (draft.event_id, draft.topic, draft.key, shard_of(draft.key), draft.type)
    return (*head, subject_id, body, draft.occurred_at, draft.traceparent)


def shard_of(key: str) -> int:
    """The shard of a key; all rows of one subject share one."""
    return zlib.crc32(key.encode()) % SHARDS


def box_place(event_id: UUID) -> Place:
    """Where a row's encrypted body belongs."""
    return Place("outbox", "body", str(event_id))
