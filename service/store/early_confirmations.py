"""Confirmations of a return that is not handled yet; at most one for a subject and a code."""

from uuid import UUID

from schemas.ids import CommandId, SubjectId
from service.store.unit import Unit

AWAITED = "select exists (select from aal2_challenge where subject_id = $1 and state = 'pending')"
KEEP = """
insert into early_confirmation (command_id, subject_id, code_hash, received_at)
values ($1, $2, $3, $4) on conflict do nothing
"""
TAKE = """
delete from early_confirmation where subject_id = $1 and code_hash = $2 returning command_id
"""
DROP = "delete from early_confirmation where command_id = $1 returning subject_id"
INSERTED = "INSERT 0 1"


async def is_awaited(unit: Unit, subject_id: SubjectId) -> bool:
    """Whether the subject has a challenge that somebody may have come back from."""
    found: bool = await unit.conn.fetchval(AWAITED, subject_id)
    return found


async def keep(unit: Unit, subject_id: SubjectId, command_id: CommandId, code_hash: bytes) -> bool:
    """Let the command wait for the return with this code; ``False`` when another one does."""
    done = await unit.conn.execute(KEEP, command_id, subject_id, code_hash, unit.now)
    return bool(done == INSERTED)


async def take(unit: Unit, subject_id: SubjectId, code_hash: bytes) -> CommandId | None:
    """The command that waits for the return with this code, which waits no more."""
    found: UUID | None = await unit.conn.fetchval(TAKE, subject_id, code_hash)
    return None if found is None else CommandId(found)


async def drop(unit: Unit, command_id: CommandId) -> SubjectId | None:
    """Whose command it is that waits no more."""
    found: str | None = await unit.conn.fetchval(DROP, command_id)
    return None if found is None else SubjectId(found)
