"""Identity verifications and the proofed identities they led to."""

from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from asyncpg import Record

from schemas.ids import CommandId, IdentityId, LinkId, PatientId, SubjectId, VerificationId
from service.crypto.envelope import Place
from service.crypto.tokens import secret_digest
from service.ias.audit import Kind
from service.ias.identity import Holder, IdentityState, Verification, VerificationState
from service.store import audit, subjects
from service.store.unit import Unit

INSERT_VERIFICATION = """
insert into identity_verification
    (verification_id, subject_id, patient_id, command_id, state, expires_at)
values ($1, $2, $3, $4, 'pending', $5)
"""
COLUMNS = "verification_id, subject_id, patient_id, state"
BY_ID = f"select {COLUMNS} from identity_verification where verification_id = $1"
BY_VENDOR_SESSION = f"""
select {COLUMNS} from identity_verification where verification_id = any(
    select link_id from hosted_page
    where kind = 'identity_verification' and vendor_digest = any($1::bytea[]))
"""
NEWEST_OF = f"""
select {COLUMNS} from identity_verification
where patient_id = $1 and subject_id = $2 order by created_at desc limit 1
"""
DETAILS = """
select command_id, expires_at from identity_verification where verification_id = $1
"""
SET_STATE = "update identity_verification set state = $2 where verification_id = $1"
SUPERSEDE = """
update identity set state = 'superseded'
where subject_id = $1 and patient_id = $2 and state = 'active' and identity_id <> $3
    and verified_at <= $4
returning identity_id, verification_id
"""
SUPERSEDE_VERIFICATIONS = """
update identity_verification set state = 'superseded'
where verification_id = any($1::uuid[]) and state = 'verified' and verification_id <> $2
"""
INSERT_IDENTITY = """
insert into identity (identity_id, verification_id, subject_id, patient_id, proofed_digest,
    proofed_box, state, verified_at)
values ($1, $2, $3, $4, $5, $6, 'superseded', $7)
"""
ACTIVATE = """
update identity set verified_at = $2, state = case when exists (
    select from identity newer
    where newer.subject_id = identity.subject_id and newer.patient_id = identity.patient_id
        and newer.state = 'active' and newer.identity_id <> identity.identity_id)
    then 'superseded' else 'active' end
where identity_id = $1
"""
HOLDER = """
select identity_id, subject_id, patient_id, state from identity where proofed_digest = $1
"""
STOP = "update identity set state = 'stopped' where identity_id = $1 returning subject_id"
ACTIVE = """
select identity_id from identity
where subject_id = $1 and patient_id = $2 and state = 'active'
"""
PROOFED = "select proofed_box, state from identity where identity_id = $1"
KEEP_UNBOUND = """
insert into unbound_identity
    (message_digest, message_id, patient_id, reason, sealed, vendor_digests)
values ($1, $2, $3, $4, $5, $6) on conflict do nothing
"""


class Details(NamedTuple):
    """What answering a verification needs."""

    command_id: CommandId
    expires_at: datetime


async def start_verification(
    unit: Unit, verification: Verification, command_id: CommandId, expires_at: datetime
) -> None:
    """A pending verification."""
    await unit.conn.execute(
        INSERT_VERIFICATION,
        verification.verification_id,
        verification.subject_id,
        verification.patient_id,
        command_id,
        expires_at,
    )


async def verification(unit: Unit, verification_id: VerificationId | LinkId) -> Verification | None:
    """A verification by our id."""
    return _verification(await unit.conn.fetchrow(BY_ID, verification_id))


async def verification_by_vendor_session(
    unit: Unit, vendor_session_ids: tuple[str, ...]
) -> Verification | None:
    """The one verification that a stored vendor session id belongs to."""
    digests = [secret_digest("hosted-page", text) for text in vendor_session_ids]
    rows = await unit.conn.fetch(BY_VENDOR_SESSION, digests)
    return _verification(rows[0]) if len(rows) == 1 else None


async def newest_verification(
    unit: Unit, patient_id: PatientId, subject_id: SubjectId
) -> Verification | None:
    """The subject's newest verification for the patient."""
    return _verification(await unit.conn.fetchrow(NEWEST_OF, patient_id, subject_id))


async def details(unit: Unit, verification_id: VerificationId) -> Details:
    """Command and deadline of a verification.

    Raises:
        LookupError: there is no such verification.
    """
    row = await unit.conn.fetchrow(DETAILS, verification_id)
    if row is None:
        raise LookupError("no such verification")
    return Details(**dict(row.items()))


async def set_state(unit: Unit, verification_id: VerificationId, state: VerificationState) -> None:
    """Move the verification on."""
    await unit.conn.execute(SET_STATE, verification_id, state)


async def holder(unit: Unit, proofed_identity_id: str) -> Holder | None:
    """Who the proofed identity was bound to before, if anybody."""
    row = await unit.conn.fetchrow(HOLDER, secret_digest("identity", proofed_identity_id))
    if row is None:
        return None
    return Holder(**{**dict(row.items()), "state": IdentityState(row["state"])})


async def bind(
    unit: Unit, verification: Verification, proofed_identity_id: str, verified_at: datetime
) -> IdentityId:
    """Bind a proofed identity to the verification's subject and patient; the newest is active."""
    identity_id = IdentityId(uuid4())
    key = await subjects.data_key(unit, verification.subject_id)
    await unit.conn.execute(
        INSERT_IDENTITY,
        identity_id,
        verification.verification_id,
        verification.subject_id,
        verification.patient_id,
        secret_digest("identity", proofed_identity_id),
        key.encrypt(proofed_identity_id.encode(), _place(identity_id)),
        verified_at,
    )
    await activate(unit, verification, identity_id, verified_at)
    return identity_id


async def activate(
    unit: Unit, verification: Verification, identity_id: IdentityId, verified_at: datetime
) -> None:
    """Make this identity the active one of its subject and patient, unless a newer proof is.

    By the time of the proof and not of its arrival: webhooks may come in any order.
    """
    pair = (verification.subject_id, verification.patient_id)
    older = await unit.conn.fetch(SUPERSEDE, *pair, identity_id, verified_at)
    for row in older:
        await audit.record(unit, Kind.IDENTITY_SUPERSEDED, pair[0], row["identity_id"])
    replaced = [row["verification_id"] for row in older]
    await unit.conn.execute(SUPERSEDE_VERIFICATIONS, replaced, verification.verification_id)
    await unit.conn.execute(ACTIVATE, identity_id, verified_at)
    await audit.record(unit, Kind.IDENTITY_BOUND, pair[0], identity_id)


async def stop(unit: Unit, identity_id: IdentityId) -> None:
    """Stop an identity that was presented for two subjects."""
    subject_id = await unit.conn.fetchval(STOP, identity_id)
    await audit.record(unit, Kind.IDENTITY_STOPPED, subject_id, identity_id)


async def active(unit: Unit, subject_id: SubjectId, patient_id: PatientId) -> IdentityId | None:
    """The subject's active identity for the patient."""
    found: IdentityId | None = await unit.conn.fetchval(ACTIVE, subject_id, patient_id)
    return found


async def proofed_identity_id(
    unit: Unit, subject_id: SubjectId, identity_id: IdentityId
) -> str | None:
    """The vendor's secret id of an identity that is active; ``None`` when it is not."""
    row = await unit.conn.fetchrow(PROOFED, identity_id)
    if row is None or row["state"] != "active":
        return None
    key = await subjects.data_key(unit, subject_id)
    await audit.record(unit, Kind.IDENTITY_USED, subject_id, identity_id)
    return key.decrypt(row["proofed_box"], _place(identity_id)).decode()


async def keep_unbound(
    unit: Unit,
    message: tuple[bytes, str],
    patient_id: str | None,
    reason: str,
    sealed: bytes,
    vendor_session_ids: tuple[str, ...],
) -> None:
    """Keep an identity that fits nobody, sealed; ``message`` is digest and id of its webhook.

    Digests of the vendor's sessions that it names are kept beside it, see ``unbound``.
    """
    digests = [secret_digest("hosted-page", text) for text in vendor_session_ids]
    await unit.conn.execute(KEEP_UNBOUND, *message, patient_id, reason, sealed, digests)


def _verification(row: Record | None) -> Verification | None:
    if row is None:
        return None
    return Verification(
        verification_id=row["verification_id"],
        subject_id=row["subject_id"],
        patient_id=row["patient_id"],
        state=VerificationState(row["state"]),
    )


def _place(identity_id: IdentityId) -> Place:
    return Place("identity", "proofed_box", str(identity_id))
