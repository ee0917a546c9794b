"""Subjects: the first lock of every transaction, the data key, and the event sequence."""

from collections.abc import Iterable, Mapping

from schemas.ids import SubjectId
from service.crypto.envelope import DataKey
from service.ias.audit import Kind
from service.store import audit_entries, erased
from service.store.unit import Unit

INSERT = """
insert into subject (subject_id, data_key, next_sequence) values ($1, $2, $3)
on conflict do nothing returning true
"""
LOCK = "select data_key from subject where subject_id = $1 for update"
READ = "select data_key from subject where subject_id = $1"
READ_MANY = "select subject_id, data_key from subject where subject_id = any($1::text[])"
LOCK_MANY = """
select subject_id, data_key from subject where subject_id = any($1::text[])
order by subject_id for update
"""
NEXT_SEQUENCES = """
update subject s set next_sequence = s.next_sequence + wanted.count
from unnest($1::text[], $2::bigint[]) wanted(subject_id, count)
where s.subject_id = wanted.subject_id
returning s.subject_id, s.next_sequence - wanted.count as first
"""


async def lock_or_create(unit: Unit, subject_id: SubjectId) -> None:
    """Lock the subject's row, making it when a command names the subject for the first time.

    One that was erased before starts afresh under a new data key; its events are numbered on.
    """
    if not await lock(unit, subject_id):
        key, wrapped = unit.vault.new(subject_id)
        number = await erased.next_sequence(unit, subject_id)
        if await unit.conn.fetchval(INSERT, subject_id, wrapped, number):
            audit_entries.write_about(unit, Kind.DATA_KEY_CREATED, (subject_id, key))
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


async def know_data_keys(unit: Unit, subject_ids: Iterable[SubjectId]) -> None:
    """Read the data keys that the unit does not hold yet, together."""
    unknown = sorted(set(subject_ids) - unit.data_keys.keys())
    if unknown:
        for subject_id, wrapped in await unit.conn.fetch(READ_MANY, unknown):
            unit.data_keys[subject_id] = unit.vault.unwrap(subject_id, wrapped)


async def next_sequences(unit: Unit, counts: Mapping[SubjectId, int]) -> dict[SubjectId, int]:
    """The first of so many next numbers of each subject's sequence; row locks make it gapless.

    Raises:
        LookupError: one of them is no subject.
    """
    ordered = sorted(counts.items())
    names, wanted = [name for name, _ in ordered], [count for _, count in ordered]
    first = dict(await unit.conn.fetch(NEXT_SEQUENCES, names, wanted))
    if len(first) < len(counts):
        raise LookupError("no such subject")
    return first
