"""Subjects: the first lock of every transaction, the data key, and the event sequence."""

from schemas.ids import SubjectId
from service.crypto.envelope import DataKey
from service.store.unit import Unit

INSERT = """
insert into subject (subject_id, data_key) values ($1, $2) on conflict do nothing
"""
LOCK = "select data_key from subject where subject_id = $1 for update"
READ = "select data_key from subject where subject_id = $1"
NEXT_SEQUENCE = """
update subject set next_sequence = next_sequence + 1 where subject_id = $1
returning next_sequence - 1
"""


async def lock_or_create(unit: Unit, subject_id: SubjectId) -> None:
    """Lock the subject's row, making it when a command names the subject for the first time."""
    if not await lock(unit, subject_id):
        _, wrapped = unit.vault.new(subject_id)
        await unit.conn.execute(INSERT, subject_id, wrapped)
        await lock(unit, subject_id)


async def lock(unit: Unit, subject_id: SubjectId) -> bool:
    """Lock the subject's row; whether there is one."""
    wrapped = await unit.conn.fetchval(LOCK, subject_id)
    if wrapped is not None:
        unit.data_keys[subject_id] = unit.vault.unwrap(subject_id, wrapped)
    return wrapped is not None


async def data_key(unit: Unit, subject_id: SubjectId) -> DataKey:
    """The subject's data key, read once a unit.

    Raises:
        LookupError: there is no such subject.
    """
    known = unit.data_keys.get(subject_id)
    if known is not None:
        return known
    wrapped = await unit.conn.fetchval(READ, subject_id)
    if wrapped is None:
        raise LookupError("no such subject")
    unit.data_keys[subject_id] = unit.vault.unwrap(subject_id, wrapped)
    return unit.data_keys[subject_id]


async def next_sequence(unit: Unit, subject_id: SubjectId) -> int:
    """The next number in the subject's event sequence; the row lock makes it gapless."""
    number: int = await unit.conn.fetchval(NEXT_SEQUENCE, subject_id)
    return number
