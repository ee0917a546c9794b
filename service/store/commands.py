"""Commands: each acts once, and a repeat is answered with the same final event."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from schemas.base import Command
from schemas.ids import CommandId, SubjectId
from service.crypto.envelope import Place
from service.store import subjects
from service.store.unit import Unit

INSERT = """
insert into command (subject_id, command_id, command_type, content_digest, metadata_box)
values ($1, $2, $3, $4, $5) on conflict do nothing
"""
SAME = """
select content_digest = $3 from command where subject_id = $1 and command_id = $2
"""
METADATA = """
select c.subject_id, c.command_id, c.metadata_box
from unnest($1::text[], $2::uuid[]) wanted(subject_id, command_id)
join command c using (subject_id, command_id) where c.metadata_box is not null
"""
FINISH = """
update command set final_event_id = $3, final_type = $4, final_box = $5, final_time = $6
where subject_id = $1 and command_id = $2 and command_type = any($7)
"""
FINAL = """
select final_event_id, final_type, final_box, final_time from command
where subject_id = $1 and command_id = $2 and final_event_id is not null
"""
INSERTED = "INSERT 0 1"


class Arrival(StrEnum):
    """What an arriving command is to us."""

    NEW = "new"
    REPEAT = "repeat"
    REUSED_ID = "reused_id"


class Final(NamedTuple):
    """A stored final event."""

    event_id: UUID
    type: str
    body: bytes
    time: datetime


async def accept(unit: Unit, command_type: str, command: Command) -> Arrival:
    """Record the command under its id; the subject's row must be locked."""
    subject_id, command_id = command.subject_id, command.command_id
    encoded = msgspec.json.encode(command, order="deterministic")
    content = hashlib.sha256(command_type.encode() + b"\x00" + encoded).digest()
    box = await _metadata_box(unit, command)
    row = (subject_id, command_id, command_type, content, box)
    if await unit.conn.execute(INSERT, *row) == INSERTED:
        return Arrival.NEW
    same = await unit.conn.fetchval(SAME, subject_id, command_id, content)
    return Arrival.REPEAT if same else Arrival.REUSED_ID


async def metadata(
    unit: Unit, named: Iterable[tuple[SubjectId, CommandId]]
) -> dict[tuple[SubjectId, CommandId], dict[str, str]]:
    """The callers' own pairs of these commands, to be echoed on events; most have none."""
    pairs = sorted(set(named))
    if not pairs:
        return {}
    rows = await unit.conn.fetch(METADATA, *(list(column) for column in zip(*pairs, strict=True)))
    await subjects.know_data_keys(unit, [row["subject_id"] for row in rows])
    found = {}
    for subject_id, command_id, box in rows:
        raw = unit.data_keys[subject_id].decrypt(
            box, _place("metadata_box", subject_id, command_id)
        )
        found[subject_id, command_id] = msgspec.json.decode(raw, type=dict[str, str])
    return found


async def finish(
    unit: Unit, subject_id: SubjectId, command_id: CommandId, final: Final, of: Iterable[str]
) -> None:
    """Keep the final event for repeats of the command, if that is ``of`` a type that it ends."""
    key = await subjects.data_key(unit, subject_id)
    box = key.encrypt(final.body, _place("final_box", subject_id, command_id))
    row = (subject_id, command_id, final.event_id, final.type, box, final.time, list(of))
    unit.conn.later(FINISH, *row)


async def final(unit: Unit, subject_id: SubjectId, command_id: CommandId) -> Final | None:
    """The final event of the command, if it has ended."""
    row = await unit.conn.fetchrow(FINAL, subject_id, command_id)
    if row is None:
        return None
    key = await subjects.data_key(unit, subject_id)
    body = key.decrypt(row["final_box"], _place("final_box", subject_id, command_id))
    return Final(row["final_event_id"], row["final_type"], body, row["final_time"])


async def _metadata_box(unit: Unit, command: Command) -> bytes | None:
    if not command.metadata:
        return None
    key = await subjects.data_key(unit, command.subject_id)
    where = _place("metadata_box", command.subject_id, command.command_id)
    return key.encrypt(msgspec.json.encode(command.metadata), where)


def _place(column: str, subject_id: SubjectId, command_id: CommandId) -> Place:
    return Place("command", column, f"{subject_id}/{command_id}")
