"""Erasing a subject: marks first, then every row and the data key at once, then the receipt.

Boxes of the subject that are copied elsewhere (backups, audit) open for nobody once the key is gone.
What the subject had not been told yet goes too: it waits under that key, and there is no reader left
whom it should reach. A call that the gateway is making finds no row when it comes back.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec

from schemas.events import SubjectErased
from schemas.ids import CommandId, SubjectId
from schemas.topics import Topic
from service.ias import audit as audited
from service.store import audit, erased, outbox, subjects
from service.store.erased import Kind
from service.store.outbox import Draft
from service.store.unit import Unit

HELD = "select legal_hold from subject where subject_id = $1"
HOLD = "update subject set legal_hold = $2 where subject_id = $1"
INSERT = """
insert into erasure (erasure_id, subject_digest, next_sequence, receipt_box, erased_at)
values ($1, $2, $3, $4, $5)
"""
MARK = """
insert into erased_mark (kind, digest, subject_digest, erasure_id)
select $1, digest, $3, $4 from unnest($2::bytea[]) digest on conflict do nothing
"""
ERASE = "select erase_subject($1, $2)"
RECEIPT_TYPE: Final = f"ias.event.{SubjectErased.__name__}"

_NAMES: Final = {
    Kind.COMMAND: "select command_id::text || '/' || subject_id from command where subject_id = $1",
    Kind.PATIENT: "select patient_id from patient_link where subject_id = $1",
    Kind.VERIFICATION: """
select verification_id::text from identity_verification where subject_id = $1""",
    Kind.HOSTED_PAGE: """
select encode(vendor_digest, 'hex') from hosted_page
where subject_id = $1 and vendor_digest is not null""",
    Kind.VENDOR_REQUEST: """
select vendor_request_id from network_query
where subject_id = $1 and vendor_request_id is not null
union select vendor_request_id from consolidated_query
where subject_id = $1 and vendor_request_id is not null""",
}
"""What may still be named by others, written as ``service.store.erased`` asks for it."""


async def is_held(unit: Unit, subject_id: SubjectId) -> bool:
    """Whether a legal hold stands; the subject is locked."""
    return bool(await unit.conn.fetchval(HELD, subject_id))


async def hold(unit: Unit, subject_id: SubjectId, *, held: bool) -> None:
    """Place or lift a legal hold."""
    await unit.conn.execute(HOLD, subject_id, held)
    kinds = audited.Kind
    kind = kinds.LEGAL_HOLD_PLACED if held else kinds.LEGAL_HOLD_LIFTED
    await audit.record(unit, kind, subject_id)


async def refuse(unit: Unit, subject_id: SubjectId) -> None:
    """Note that an erasure was asked for and is held."""
    await audit.record(unit, audited.Kind.ERASURE_REFUSED, subject_id)


async def erase(unit: Unit, receipt: SubjectErased, never_begun: Sequence[CommandId] = ()) -> None:
    """Erase the receipt's subject, who is locked, and tell the receipt as the last of its events.

    ``never_begun``: commands that were not accepted yet, and that the receipt ends as well.

    The receipt waits in the outbox in the clear, because there is no key of the subject's left. It
    holds what its readers sent (ids and their own metadata) and our promise. For repeats it is kept
    in a box that opens only for who names the subject.
    """
    subject_id, event_id = receipt.subject_id, uuid4()
    await audit.record(unit, audited.Kind.SUBJECT_ERASED, subject_id)
    await audit.record(unit, audited.Kind.DATA_KEY_DESTROYED, subject_id)
    sequence = (await subjects.next_sequences(unit, {subject_id: 1}))[subject_id]
    body = msgspec.json.encode(msgspec.structs.replace(receipt, sequence=sequence))
    await _mark(unit, subject_id, (event_id, sequence + 1, body), never_begun)
    await outbox.bury(unit, subject_id)
    await unit.conn.execute(ERASE, subject_id, event_id)
    unit.data_keys.pop(subject_id, None)
    draft = Draft(event_id, Topic.EVENTS, subject_id, RECEIPT_TYPE, body, unit.now)
    await outbox.tell_receipt(unit, draft)


async def repeat_receipt(unit: Unit, subject_id: SubjectId, command_id: CommandId) -> bool:
    """Tell the receipt again if an erasure ended this command; whether it did."""
    found = await erased.receipt(unit, subject_id, command_id)
    if found is None:
        return False
    draft = Draft(found.event_id, Topic.EVENTS, subject_id, RECEIPT_TYPE, found.body, found.time)
    await outbox.tell_receipt(unit, draft)
    return True


async def _mark(
    unit: Unit,
    subject_id: SubjectId,
    told: tuple[Any, int, bytes],
    never_begun: Sequence[CommandId],
) -> None:
    """Leave marks of everything that others can still name."""
    event_id, following, body = told
    key = await erased.key_or_new(unit)
    who = erased.of_subject(key, subject_id)
    box = erased.seal_receipt(key, subject_id, event_id, body)
    await unit.conn.execute(INSERT, event_id, who, following, box, unit.now)
    for kind, sql in _NAMES.items():
        names = [row[0] for row in await unit.conn.fetch(sql, subject_id)]
        if kind is Kind.COMMAND:
            names += [erased.command_name(subject_id, one) for one in never_begun]
        digests = [erased.of(key, kind, name) for name in names]
        await unit.conn.execute(MARK, kind, digests, who, event_id)
