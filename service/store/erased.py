"""What is left of erased subjects: marks by which messages that still arrive about them are known.

No mark holds an id. Each is a digest keyed by the erasure key, which stands in the database wrapped by
``ENCRYPTION_KEYS`` and is made by the first erasure: until then every question here is one look at an
empty table.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from schemas.ids import CommandId, PatientId, SubjectId, VendorRequestId, VerificationId
from service.crypto.envelope import DataKey, Place
from service.crypto.tokens import secret_digest
from service.store.unit import Unit

KEY = "select wrapped from erasure_key"
NEW_KEY = "insert into erasure_key (wrapped) values ($1) on conflict do nothing"
NEXT_SEQUENCE = """
select next_sequence from erasure where subject_digest = $1 order by next_sequence desc limit 1
"""
SINCE = """
select exists (select from erasure where subject_digest = $1 and erased_at >= $2)
"""
RECEIPT = """
select e.erasure_id, e.receipt_box, e.erased_at
from erased_mark m join erasure e using (erasure_id)
where m.kind = 'command' and m.digest = $1
"""
MARKED = """
select exists (select from erased_mark where kind = $1 and digest = any($2::bytea[]))
"""
ONCE_LINKED = """
select distinct subject_digest from erased_mark where kind = 'patient' and digest = $1
"""
LIVE_LINK = "select exists (select from patient_link where patient_id = any($1::text[]))"

OWNER: Final = SubjectId("\x00erasure")
"""Whose data key the erasure key is: an id that no subject can have."""


_STAND_IN: Final = "\x1ferased/"
"""What stand-ins begin with: nothing that an id may hold, though Postgres takes it."""


class Kind(StrEnum):
    """What a mark stands for."""

    COMMAND = "command"
    PATIENT = "patient"
    VERIFICATION = "verification"
    HOSTED_PAGE = "hosted_page"
    VENDOR_REQUEST = "vendor_request"


class Receipt(NamedTuple):
    """The receipt of an erasure, as it was told."""

    event_id: UUID
    body: bytes
    time: datetime


async def key(unit: Unit) -> DataKey | None:
    """The erasure key; ``None`` before the first erasure.

    Not remembered by the unit: one that was made inside a savepoint may be rolled back with it.
    """
    wrapped = await unit.conn.fetchval(KEY)
    return None if wrapped is None else unit.vault.unwrap(OWNER, wrapped)


async def key_or_new(unit: Unit) -> DataKey:
    """The erasure key, made when there is none.

    Raises:
        LookupError: it vanished while it was made.
    """
    found = await key(unit)
    if found is None:
        _, wrapped = unit.vault.new(OWNER)
        await unit.conn.execute(NEW_KEY, wrapped)
        found = await key(unit)
    if found is None:
        raise LookupError("no erasure key")
    return found


def of_subject(erasure_key: DataKey, subject_id: SubjectId) -> bytes:
    """The digest that stands for a subject."""
    return erasure_key.pseudonym("subject", subject_id)


def of(erasure_key: DataKey, kind: Kind, text: str) -> bytes:
    """The digest of a mark."""
    return erasure_key.pseudonym(kind, text)


def command_name(subject_id: SubjectId, command_id: CommandId) -> str:
    """A command's name under ``Kind.COMMAND``: its id is unique per subject only."""
    return f"{command_id}/{subject_id}"


def seal_receipt(erasure_key: DataKey, subject_id: SubjectId, event_id: UUID, body: bytes) -> bytes:
    """A box that opens only for who has the erasure key and names the subject."""
    return _receipt_key(erasure_key, subject_id).encrypt(body, _place(event_id))


async def receipt(unit: Unit, subject_id: SubjectId, command_id: CommandId) -> Receipt | None:
    """The receipt that ended the command, if its subject was erased after it."""
    found = await key(unit)
    if found is None:
        return None
    digest = of(found, Kind.COMMAND, command_name(subject_id, command_id))
    row = await unit.conn.fetchrow(RECEIPT, digest)
    if row is None:
        return None
    event_id: UUID = row["erasure_id"]
    body = _receipt_key(found, subject_id).decrypt(row["receipt_box"], _place(event_id))
    return Receipt(event_id, body, row["erased_at"])


async def next_sequence(unit: Unit, subject_id: SubjectId) -> int:
    """Where the events of a subject that starts afresh go on: after the receipt, else at 1."""
    found = await key(unit)
    if found is None:
        return 1
    number = await unit.conn.fetchval(NEXT_SEQUENCE, of_subject(found, subject_id))
    return 1 if number is None else int(number)


async def is_since(unit: Unit, subject_id: SubjectId, then: datetime) -> bool:
    """Whether the subject was erased at that time or later; ``then`` is of the database's clock."""
    found = await key(unit)
    if found is None:
        return False
    since: bool = await unit.conn.fetchval(SINCE, of_subject(found, subject_id), then)
    return since


async def once_linked(
    unit: Unit, patient_id: PatientId, living: Iterable[SubjectId]
) -> frozenset[SubjectId]:
    """Stand-ins for the erased subjects that were linked to the patient, the living ones left out.

    They keep an ambiguous patient ambiguous. Nothing is ever found under a stand-in.
    """
    found = await key(unit)
    if found is None:
        return frozenset()
    rows = await unit.conn.fetch(ONCE_LINKED, of(found, Kind.PATIENT, patient_id))
    known = {of_subject(found, subject_id) for subject_id in living}
    digests = {bytes(row["subject_digest"]) for row in rows} - known
    return frozenset(SubjectId(f"{_STAND_IN}{digest.hex()}") for digest in digests)


async def owns_verification(
    unit: Unit, verification_id: VerificationId | None, vendor_session_ids: Iterable[str]
) -> bool:
    """Whether a claim names a verification, or a hosted page, of an erased subject."""
    names = [] if verification_id is None else [str(verification_id)]
    if await _marked(unit, Kind.VERIFICATION, names):
        return True
    pages = [secret_digest("hosted-page", text).hex() for text in vendor_session_ids]
    return await _marked(unit, Kind.HOSTED_PAGE, pages)


async def owns_request(
    unit: Unit, request_id: VendorRequestId | None, patient_ids: Iterable[PatientId]
) -> bool:
    """Whether a webhook is about an erased subject: by its request, or as all of its patients are."""
    if request_id is not None and await _marked(unit, Kind.VENDOR_REQUEST, [request_id]):
        return True
    return await only_erased(unit, patient_ids)


async def only_erased(unit: Unit, patient_ids: Iterable[PatientId]) -> bool:
    """Whether all these patients were linked to subjects of ours, and every one of those is erased."""
    patients = list(patient_ids)
    if not patients or await key(unit) is None:
        return False
    if await unit.conn.fetchval(LIVE_LINK, patients):
        return False
    return all([await once_linked(unit, patient_id, ()) for patient_id in patients])


async def _marked(unit: Unit, kind: Kind, texts: list[str]) -> bool:
    found = await key(unit)
    if found is None or not texts:
        return False
    digests = [of(found, kind, text) for text in texts]
    marked: bool = await unit.conn.fetchval(MARKED, kind, digests)
    return marked


def _receipt_key(erasure_key: DataKey, subject_id: SubjectId) -> DataKey:
    return DataKey(erasure_key.pseudonym("receipt", subject_id))


def _place(event_id: UUID) -> Place:
    return Place("erasure", "receipt_box", str(event_id))
