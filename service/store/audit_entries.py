"""Audit entries: written in the transaction of what they tell, and never changed.

An entry is chained a moment later, by the one sealer (``audit_chain``): chaining here would make every
transaction of the service wait for every other.
"""

from collections.abc import Mapping
from uuid import UUID, uuid4

import msgspec

from schemas.ids import SubjectId
from service.crypto.envelope import DataKey, Place
from service.ias.audit import Kind
from service.store.unit import Unit

INSERT = """
with entry as (
    insert into audit_entry (entry_id, kind, subject_ref, object_id, box)
    values ($1, $2, $3, $4, $5) returning entry_id, recorded_at)
insert into audit_unchained (entry_id, recorded_at) select entry_id, recorded_at from entry
"""


def write_about(
    unit: Unit, kind: Kind, subject: tuple[SubjectId, DataKey], object_id: UUID | None = None
) -> None:
    """An entry about a subject, encrypted under that subject's data key.

    ``object_id`` is one of our own random ids: of an identity, a session or a link.
    """
    subject_id, key = subject
    entry_id = uuid4()
    box = key.encrypt(_details({"subjectId": subject_id}), place(entry_id))
    reference = subject_ref(subject_id, key)
    unit.conn.later(INSERT, entry_id, kind, reference, object_id, box)


def write(unit: Unit, kind: Kind, details: Mapping[str, str | int]) -> None:
    """An entry about the service itself; ``details`` are kept in the clear and name nobody."""
    unit.conn.later(INSERT, uuid4(), kind, None, None, _details(details))


def subject_ref(subject_id: SubjectId, key: DataKey) -> bytes:
    """What stands for a subject in the audit; nobody's once the data key is destroyed."""
    return key.pseudonym("audit", subject_id)


def place(entry_id: UUID) -> Place:
    """Where an entry's box stands."""
    return Place("audit_entry", "box", str(entry_id))


def _details(details: Mapping[str, str | int]) -> bytes:
    return msgspec.json.encode(details)
