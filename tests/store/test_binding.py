"""Binding held by the schema itself: rows that mix two people cannot be written, whatever the code."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from schemas.ids import PatientId, SubjectId, VendorRequestId
from schemas.sources import PurposeOfUse, Source
from service.store import consolidated, identities, patients, queries
from service.store.pool import Database
from tests.support import people
from tests.support.people import Person

REFUSED = (asyncpg.ForeignKeyViolationError, asyncpg.CheckViolationError)

QUERY = """
insert into network_query (query_id, subject_id, patient_id, purpose, identity_id, session_id,
    command_id, state, deadline)
values ($1, $2, $3, $4, $5, $6, $7, 'due', now() + interval '1 day')
"""
IDENTITY = """
insert into identity (identity_id, verification_id, subject_id, patient_id, proofed_digest,
    proofed_box, state, verified_at)
values ($1, $2, $3, $4, $5, '', $6, now())
"""
CHALLENGE = """
insert into aal2_challenge (challenge_id, identity_id, subject_id, patient_id, command_id, state,
    expires_at)
values ($1, $2, $3, $4, $5, 'pending', now() + interval '1 hour')
"""
SESSION = """
insert into aal2_session (session_id, challenge_id, identity_id, subject_id, patient_id,
    session_digest, session_box, code_hash, state, returned_at)
values ($1, $2, $3, $4, $5, $6, '', $7, 'confirmed', now())
"""
VERIFICATION = """
insert into identity_verification (verification_id, subject_id, patient_id, command_id, state,
    expires_at)
values ($1, $2, $3, $4, 'pending', now() + interval '1 hour')
"""


@pytest.fixture
async def jane(database: Database) -> Person:
    return await people.person(database, "jane", "patient-j")


@pytest.fixture
async def victor(database: Database) -> Person:
    return await people.person(database, "victor", "patient-v")


async def _command(database: Database, who: Person) -> UUID:
    async with database.transaction() as unit:
        return await people.command(unit, who.subject_id)


async def _query(database: Database, who: Person, **changes: Any) -> None:
    values: dict[str, Any] = {
        "query_id": uuid4(),
        "subject_id": who.subject_id,
        "patient_id": who.patient_id,
        "purpose": "ias",
        "identity_id": who.identity_id,
        "session_id": who.session_id,
        "command_id": await _command(database, who),
    }
    await people.sql(database, QUERY, *(values | changes).values())


async def test_a_query_with_its_own_session_and_identity_is_written(
    database: Database, jane: Person
) -> None:
    await _query(database, jane)
    assert await people.count(database, "network_query", subject_id=jane.subject_id) == 1


async def test_a_session_of_another_identity_cannot_be_written(
    database: Database, jane: Person, victor: Person
) -> None:
    """I2: session → identity is a key of the schema."""
    for identity, owner in ((victor.identity_id, jane), (victor.identity_id, victor)):
        row = (uuid4(), jane.challenge_id, identity, owner.subject_id, owner.patient_id)
        with pytest.raises(REFUSED):
            await people.sql(database, SESSION, *row, uuid4().bytes, uuid4().bytes)


async def test_a_challenge_for_another_persons_identity_cannot_be_written(
    database: Database, jane: Person, victor: Person
) -> None:
    """I2: the chain begins with the challenge."""
    command_id = await _command(database, victor)
    row = (uuid4(), jane.identity_id, victor.subject_id, victor.patient_id, command_id)
    with pytest.raises(REFUSED):
        await people.sql(database, CHALLENGE, *row)


@pytest.mark.parametrize(("subject", "patient"), [("victor", "patient-j"), ("jane", "patient-v")])
async def test_an_identity_for_another_pair_than_its_verifications_cannot_be_written(
    database: Database, jane: Person, victor: Person, subject: str, patient: str
) -> None:
    """I2: identity → (subject, patient) is the verification's pair, also if both are linked."""
    async with database.transaction() as unit:
        await people.link(unit, SubjectId(subject), PatientId(patient))
    row = (uuid4(), jane.verification_id, subject, patient, uuid4().bytes, "superseded")
    with pytest.raises(REFUSED):
        await people.sql(database, IDENTITY, *row)
    assert victor.identity_id != jane.identity_id


async def test_a_verification_without_an_ias_link_cannot_be_written(
    database: Database, jane: Person
) -> None:
    """I9: neither for a stranger's patient nor on a treatment link."""
    async with database.transaction() as unit:
        await people.link(unit, jane.subject_id, PatientId("clinic"), PurposeOfUse.TREATMENT)
    command_id = await _command(database, jane)
    for patient in ("nobody", "clinic"):
        with pytest.raises(REFUSED):
            await people.sql(database, VERIFICATION, uuid4(), jane.subject_id, patient, command_id)


@pytest.mark.parametrize(
    "names",
    [
        ("session_id",),
        ("identity_id",),
        ("session_id", "identity_id"),
        ("subject_id",),
        ("patient_id",),
        ("subject_id", "patient_id"),
        ("command_id",),
    ],
)
async def test_a_query_that_mixes_two_people_cannot_be_written(
    database: Database, jane: Person, victor: Person, names: tuple[str, ...]
) -> None:
    """I2, whichever part is the other person's, also when all links exist."""
    async with database.transaction() as unit:
        await people.link(unit, jane.subject_id, victor.patient_id)
    async with database.transaction() as unit:
        await people.link(unit, victor.subject_id, jane.patient_id)
    theirs: dict[str, Any] = {
        "command_id": await _command(database, victor),
        **{name: getattr(victor, name, None) for name in names if name != "command_id"},
    }
    with pytest.raises(REFUSED):
        await _query(database, jane, **{name: theirs[name] for name in names})


async def test_an_ias_query_without_a_session_cannot_be_written(
    database: Database, jane: Person
) -> None:
    """I9."""
    for changes in ({"session_id": None}, {"session_id": None, "identity_id": None}):
        with pytest.raises(asyncpg.CheckViolationError):
            await _query(database, jane, **changes)


async def test_a_treatment_query_with_a_session_cannot_be_written(
    database: Database, jane: Person
) -> None:
    """I2: a session never leaves ias."""
    with pytest.raises(REFUSED):
        await _query(database, jane, purpose="treatment")


async def test_a_query_of_another_purpose_than_its_links_cannot_be_written(
    database: Database, jane: Person
) -> None:
    """I9: treatment on an ias link, and ias on a treatment link."""
    bare = {"identity_id": None, "session_id": None}
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await _query(database, jane, purpose="treatment", **bare)
    async with database.transaction() as unit:
        clinic = PatientId("clinic")
        await people.link(unit, jane.subject_id, clinic, PurposeOfUse.TREATMENT)
    await _query(database, jane, purpose="treatment", patient_id="clinic", **bare)
    with pytest.raises(REFUSED):
        await _query(database, jane, patient_id="clinic")


async def test_the_purpose_of_a_link_does_not_change_by_linking_again(database: Database) -> None:
    """I9."""
    pair = (SubjectId("s"), PatientId("p"))
    async with database.transaction() as unit:
        await people.link(unit, *pair, PurposeOfUse.IAS)
        await people.link(unit, *pair, PurposeOfUse.TREATMENT)
        assert await patients.purpose(unit, *pair) is PurposeOfUse.IAS


CHANGE_PURPOSE = "update patient_link set purpose = 'treatment' where subject_id = $1"


async def test_the_purpose_of_a_link_in_use_cannot_be_changed_even_by_the_owner(
    owner: asyncpg.Connection, jane: Person
) -> None:
    """I9: what was done under a purpose keeps it."""
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute(CHANGE_PURPOSE, jane.subject_id)


@pytest.mark.parametrize(
    "statement", [CHANGE_PURPOSE, "delete from patient_link where subject_id = $1"]
)
async def test_the_service_can_neither_change_nor_remove_a_link(
    database: Database, statement: str
) -> None:
    """I9: who was *ever* linked to a patient decides how an identity without our id binds."""
    async with database.transaction() as unit:
        await people.link(unit, SubjectId("jane"), PatientId("patient-j"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await people.sql(database, statement, "jane")


async def test_a_patient_has_one_open_hie_slot(database: Database) -> None:
    """Two subjects of one patient share the slot: the vendor counts patients."""
    first = await people.person(database, "jane", "shared")
    second = await people.person(database, "victor", "shared")
    one = await people.due_query(database, first)
    two = await people.due_query(database, second)
    take = "update network_query set hie_slot = true where query_id = $1"
    await people.sql(database, take, one)
    with pytest.raises(asyncpg.UniqueViolationError):
        await people.sql(database, take, two)


async def test_a_vendor_request_id_belongs_to_one_network_query(
    database: Database, jane: Person, victor: Person
) -> None:
    await people.started_query(database, jane, "request-1")
    other = await people.due_query(database, victor)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.transaction() as unit:
            await queries.started(unit, other, VendorRequestId("request-1"))


async def test_two_subjects_can_share_the_request_id_of_a_consolidated_query(
    database: Database,
) -> None:
    """The vendor answers the same parameters with the id that runs already."""
    first = await people.person(database, "jane", "shared")
    second = await people.person(database, "victor", "shared")
    await people.started_consolidated(database, first, "request-1")
    await people.started_consolidated(database, second, "request-1")
    async with database.transaction() as unit:
        found = await consolidated.subjects_of(unit, VendorRequestId("request-1"))
    assert found == ["jane", "victor"]


async def test_a_proofed_identity_belongs_to_one_subject(database: Database) -> None:
    """I2."""
    await people.person(database, "jane", "shared", proofed="pid_one")
    with pytest.raises(asyncpg.UniqueViolationError):
        await people.person(database, "victor", "shared", proofed="pid_one")
    assert await people.count(database, "identity") == 1


async def test_a_session_id_belongs_to_one_subject(database: Database) -> None:
    """I2."""
    await people.person(database, "jane", "patient-j", session="aal2_one")
    with pytest.raises(asyncpg.UniqueViolationError):
        await people.person(database, "victor", "patient-v", session="aal2_one")
    assert await people.count(database, "aal2_session") == 1


async def test_a_pair_has_one_active_identity_and_the_newest_is_it(
    database: Database, jane: Person
) -> None:
    row = (uuid4(), jane.verification_id, jane.subject_id, jane.patient_id, uuid4().bytes)
    with pytest.raises(asyncpg.UniqueViolationError):
        await people.sql(database, IDENTITY, *row, "active")
    newer = await people.person(database, "jane", "patient-j")
    async with database.transaction() as unit:
        active = await identities.active(unit, jane.subject_id, jane.patient_id)
        superseded = await identities.proofed_identity_id(unit, jane.subject_id, jane.identity_id)
    assert (active, superseded) == (newer.identity_id, None)


async def test_a_refused_row_leaves_nothing_of_its_unit(
    database: Database, jane: Person, victor: Person
) -> None:
    """What a unit did before the schema refused it is undone as well."""
    query_id = await people.due_query(database, jane, [Source.HIE])

    async def mix() -> None:
        async with database.transaction() as unit:
            await queries.started(unit, query_id, VendorRequestId("r"))
            other = await people.verifying(unit, victor.subject_id, victor.patient_id)
            await people.prove(unit, other, jane.proofed)

    with pytest.raises(asyncpg.UniqueViolationError):
        await mix()
    assert (await people.row(database, "network_query", query_id=query_id))["state"] == "due"
