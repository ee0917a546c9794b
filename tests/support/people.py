"""Subjects, links, identities, sessions and queries, made through the store's own functions."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from schemas.commands import LinkPatient
from schemas.ids import (
    ChallengeId,
    CommandId,
    IdentityId,
    PatientId,
    RequestId,
    SessionId,
    SubjectId,
    VendorRequestId,
    VerificationId,
)
from schemas.sources import PurposeOfUse, Source
from service.crypto.tokens import code_hash
from service.ias.aal2 import SessionState
from service.ias.consolidated import ConsolidatedState
from service.ias.identity import Verification, VerificationState
from service.ias.network_query import QueryState
from service.store import (
    calls,
    commands,
    consolidated,
    identities,
    patients,
    queries,
    record_requests,
    sessions,
    subjects,
)
from service.store.calls import Operation
from service.store.consolidated import Consolidated
from service.store.patients import Registration
from service.store.pool import Database
from service.store.queries import Query
from service.store.record_requests import Asked, Request
from service.store.sessions import Challenge, Returned
from service.store.unit import Unit
from tests.support.settings import RETURN_URL

ALL_SOURCES = (Source.HIE, Source.PHARMACY, Source.LAB)
NO_CONSENT = (None, None)
LATER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Person:
    """A subject with an ias link, an active identity and a confirmed session."""

    subject_id: SubjectId
    patient_id: PatientId
    verification_id: VerificationId
    identity_id: IdentityId
    challenge_id: ChallengeId
    session_id: SessionId
    proofed: str
    session_secret: str


async def command(unit: Unit, subject_id: SubjectId, kind: str = "LinkPatient") -> CommandId:
    """An accepted command of a subject, whom it makes if need be, and locks."""
    await subjects.lock_or_create(unit, subject_id)
    command_id = CommandId(uuid4())
    content = LinkPatient(
        command_id=command_id,
        subject_id=subject_id,
        patient_id=PatientId("any"),
        purpose=PurposeOfUse.IAS,
    )
    await commands.accept(unit, f"ias.command.{kind}", content)
    return command_id


async def link(
    unit: Unit,
    subject_id: SubjectId,
    patient_id: PatientId,
    purpose: PurposeOfUse = PurposeOfUse.IAS,
) -> None:
    """A linked subject."""
    await subjects.lock_or_create(unit, subject_id)
    await patients.link(unit, subject_id, patient_id, purpose, matched_existing=False)


async def verifying(unit: Unit, subject_id: SubjectId, patient_id: PatientId) -> Verification:
    """A linked subject who is asked to prove who they are."""
    await link(unit, subject_id, patient_id)
    verification = Verification(
        verification_id=VerificationId(uuid4()),
        subject_id=subject_id,
        patient_id=patient_id,
        state=VerificationState.PENDING,
    )
    command_id = await command(unit, subject_id, "StartIdentityVerification")
    await identities.start_verification(unit, verification, command_id, unit.now + LATER)
    return verification


async def prove(unit: Unit, verification: Verification, proofed: str) -> IdentityId:
    """Bind a proofed identity to the verification."""
    identity_id = await identities.bind(unit, verification, proofed, unit.now)
    await identities.set_state(unit, verification.verification_id, VerificationState.VERIFIED)
    return identity_id


async def challenge(
    unit: Unit, subject_id: SubjectId, patient_id: PatientId, identity_id: IdentityId
) -> Challenge:
    """A pending challenge of an identity."""
    made = Challenge(
        ChallengeId(uuid4()),
        identity_id,
        subject_id,
        patient_id,
        await command(unit, subject_id, "StartAal2Challenge"),
        "pending",
        unit.now + LATER,
        RETURN_URL,
    )
    await sessions.start_challenge(unit, made)
    return made


async def come_back(
    unit: Unit, pending: Challenge, secret: str, code: str | None = None
) -> SessionId:
    """A session that came back from a challenge, confirmed unless its code is named."""
    session_id = SessionId(uuid4())
    returned = Returned(secret, code_hash(code or str(uuid4())), unit.now)
    await sessions.set_challenge_state(unit, pending.challenge_id, "returned")
    await sessions.receive(unit, session_id, pending, returned)
    if code is None:
        await sessions.set_state(unit, session_id, SessionState.CONFIRMED)
    return session_id


async def person(
    database: Database,
    subject: str = "subject-1",
    patient: str = "patient-1",
    *,
    proofed: str | None = None,
    session: str | None = None,
) -> Person:
    """Somebody who may start an ias query now."""
    subject_id, patient_id = SubjectId(subject), PatientId(patient)
    proofed_id = proofed or f"pid_{uuid4().hex}"
    secret = session or f"aal2_{uuid4().hex}"
    async with database.transaction() as unit:
        verification = await verifying(unit, subject_id, patient_id)
        identity_id = await prove(unit, verification, proofed_id)
        pending = await challenge(unit, subject_id, patient_id, identity_id)
        session_id = await come_back(unit, pending, secret)
    return Person(
        subject_id=subject_id,
        patient_id=patient_id,
        verification_id=verification.verification_id,
        identity_id=identity_id,
        challenge_id=pending.challenge_id,
        session_id=session_id,
        proofed=proofed_id,
        session_secret=secret,
    )


async def due_query(
    database: Database,
    who: Person,
    sources: Iterable[Source] = ALL_SOURCES,
    *,
    deadline: datetime | None = None,
) -> RequestId:
    """An ias query that waits for its call."""
    async with database.transaction() as unit:
        query = Query(
            RequestId(uuid4()),
            who.subject_id,
            who.patient_id,
            PurposeOfUse.IAS,
            who.identity_id,
            who.session_id,
            await command(unit, who.subject_id, "StartNetworkQuery"),
            QueryState.DUE,
            deadline or unit.now + LATER,
        )
        await queries.create(unit, query, tuple(sources), NO_CONSENT)
        await calls.schedule(unit, Operation.START_NETWORK_QUERY, who.subject_id, query.query_id)
    return query.query_id


async def treatment_query(database: Database, subject: str, patient: str) -> RequestId:
    """A treatment query that waits for its call."""
    subject_id, patient_id = SubjectId(subject), PatientId(patient)
    async with database.transaction() as unit:
        await link(unit, subject_id, patient_id, PurposeOfUse.TREATMENT)
        query = Query(
            RequestId(uuid4()),
            subject_id,
            patient_id,
            PurposeOfUse.TREATMENT,
            None,
            None,
            await command(unit, subject_id, "StartNetworkQuery"),
            QueryState.DUE,
            unit.now + LATER,
        )
        await queries.create(unit, query, ALL_SOURCES, NO_CONSENT)
        await calls.schedule(unit, Operation.START_NETWORK_QUERY, subject_id, query.query_id)
    return query.query_id


async def started_query(
    database: Database,
    who: Person,
    vendor_request_id: str,
    sources: Iterable[Source] = ALL_SOURCES,
) -> RequestId:
    """An ias query that the vendor accepted."""
    query_id = await due_query(database, who, sources)
    async with database.transaction() as unit:
        await subjects.lock(unit, who.subject_id)
        await queries.started(unit, query_id, VendorRequestId(vendor_request_id))
        await sessions.set_state(unit, who.session_id, SessionState.PROVEN)
        await unit.conn.execute("update vendor_call set state = 'done' where ref_id = $1", query_id)
    return query_id


async def due_consolidated(
    database: Database, who: Person, conversion_type: str = "json"
) -> RequestId:
    """A consolidated query that waits for its call."""
    async with database.transaction() as unit:
        query = Consolidated(
            RequestId(uuid4()),
            who.subject_id,
            who.patient_id,
            await command(unit, who.subject_id, "StartConsolidatedQuery"),
            conversion_type,
            None,
            None,
            None,
            ConsolidatedState.DUE,
        )
        await consolidated.create(unit, query)
        await calls.schedule(
            unit, Operation.START_CONSOLIDATED_QUERY, who.subject_id, query.request_id
        )
    return query.request_id


async def started_consolidated(
    database: Database, who: Person, vendor_request_id: str, conversion_type: str = "json"
) -> RequestId:
    """A consolidated query that the vendor accepted."""
    request_id = await due_consolidated(database, who, conversion_type)
    async with database.transaction() as unit:
        await consolidated.started(unit, request_id, VendorRequestId(vendor_request_id))
        await unit.conn.execute(
            "update vendor_call set state = 'done' where ref_id = $1", request_id
        )
    return request_id


async def record_request(unit: Unit, who: Person, **refers_to: Any) -> Request:
    """A RequestRecords of HIE that has not ended, and refers to these rows."""
    asked = Asked(
        RequestId(uuid4()),
        who.subject_id,
        await command(unit, who.subject_id, "RequestRecords"),
        who.patient_id,
        (Source.HIE,),
        RETURN_URL,
        unit.now + LATER,
        unit.now,
        None,
        None,
        None,
        *NO_CONSENT,
        unit.now,
    )
    request = (await record_requests.create(unit, asked))._replace(**refers_to)
    await record_requests.save(unit, request, unit.now + LATER)
    return request


async def registering(
    database: Database,
    subject: str = "subject-1",
    *,
    demographics: bytes | None = None,
    patient: str | None = None,
) -> UUID:
    """A registration that waits for its call: of these demographics, or of a known patient."""
    subject_id = SubjectId(subject)
    async with database.transaction() as unit:
        registration = Registration(
            uuid4(),
            subject_id,
            await command(unit, subject_id, "RegisterPatient"),
            PurposeOfUse.IAS,
            patient_id=None if patient is None else PatientId(patient),
        )
        await patients.start_registration(unit, registration, demographics)
        operation = Operation.GET_PATIENT if patient else Operation.CREATE_PATIENT
        await calls.schedule(unit, operation, subject_id, registration.registration_id)
    return registration.registration_id


class _RolledBack(Exception):  # noqa: N818 - it ends a unit, and nothing failed
    """Ends a unit before its commit."""


@asynccontextmanager
async def rolled_back(database: Database) -> AsyncIterator[Unit]:
    """A unit that does its work and never commits."""
    with suppress(_RolledBack):
        async with database.transaction() as unit:
            yield unit
            raise _RolledBack


async def row(database: Database, table: str, **where: Any) -> dict[str, Any]:
    """The one row of a table with these values."""
    conditions = " and ".join(f"{name} = ${n}" for n, name in enumerate(where, 1)) or "true"
    async with database.connection() as connection:
        sql = f"select * from {table} where {conditions}"  # noqa: S608 - names of the tests' own
        (found,) = await connection.fetch(sql, *where.values())
    return dict(found.items())


async def count(database: Database, table: str, **where: Any) -> int:
    """How many rows of a table have these values."""
    conditions = " and ".join(f"{name} = ${n}" for n, name in enumerate(where, 1)) or "true"
    async with database.connection() as connection:
        sql = f"select count(*) from {table} where {conditions}"  # noqa: S608 - as above
        found: int = await connection.fetchval(sql, *where.values())
    return found


async def sql(database: Database, statement: str, *values: Any) -> None:
    """Change something behind the service's back."""
    async with database.connection() as connection:
        await connection.execute(statement, *values)


async def waiting_for_locks(database: Database) -> int:
    """How many sessions on this database wait for a lock."""
    async with database.connection() as connection:
        found: int = await connection.fetchval(
            "select count(*) from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        )
    return found
