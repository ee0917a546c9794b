"""The audit as handlers see it: ``record``.

It is called where an effect is written (``identities``, ``sessions``, ``outbox``), so that no handler
can forget it. Entry and effect commit together or not at all.
"""

from uuid import UUID

from schemas.ids import SubjectId
from service.ias.audit import Kind
from service.store import audit_entries, subjects
from service.store.unit import Unit


async def record(
    unit: Unit, kind: Kind, subject_id: SubjectId, object_id: UUID | None = None
) -> None:
    """Write an entry about a subject, in the transaction of what it tells.

    Erasure records before it destroys the data key: afterwards there is nothing to encrypt with.

    Raises:
        LookupError: there is no such subject.
    """
    key = await subjects.data_key(unit, subject_id)
    audit_entries.write_about(unit, kind, (subject_id, key), object_id)


def record_operation(unit: Unit, kind: Kind, **details: str | int) -> None:
    """Write an entry about keys or the service itself. ``details`` are not encrypted: no ids."""
    audit_entries.write(unit, kind, details)
