"""Verifications, challenges and sessions that are over (I2, I4)."""

from datetime import timedelta

import pytest

from consumers.processor import Processor
from consumers.sweeper import Sweeper
from schemas.commands import ConfirmReturn
from schemas.ids import CommandId, PatientId, SubjectId, VendorRequestId
from service.ias.aal2 import SessionState
from service.store import queries, sessions, subjects
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import kinds, only
from tests.support.people import Person
from tests.support.settings import rules

from .conftest import age

PATIENT = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"
"""As in the recorded webhook."""


@pytest.fixture
async def jane(database: Database) -> Person:
    return await people.person(database, "jane", PATIENT)


@pytest.fixture
async def received(database: Database, jane: Person) -> Person:
    """A second session that came back with the code ``code-of-this-return-0001`` and was not confirmed."""
    async with database.transaction() as unit:
        pending = await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)
        await people.come_back(unit, pending, "aal2_second", code="code-of-this-return-0001")
    await people.sql(database, "delete from aal2_session where session_id = $1", jane.session_id)
    return jane


async def _session_is(database: Database, state: str, seconds: float) -> None:
    await people.sql(
        database,
        "update aal2_session set state = $1,"
        " returned_at = clock_timestamp() - make_interval(secs => $2)",
        state,
        seconds,
    )


async def test_a_verification_that_nobody_finished_ends_its_command(
    database: Database, sweeper: Sweeper
) -> None:
    """I4."""
    async with database.transaction() as unit:
        pending = await people.verifying(unit, SubjectId("jane"), PatientId(PATIENT))
    assert await sweeper.round() == 0
    await age(
        database,
        "identity_verification",
        "expires_at",
        61,
        "verification_id",
        pending.verification_id,
    )
    assert [await sweeper.round() for _ in range(2)] == [1, 0]
    assert (await people.row(database, "identity_verification"))["state"] == "expired"
    event = await only(database, "IdentityVerificationExpired")
    assert event["linkId"] == str(pending.verification_id)
    command = await people.row(database, "command", command_id=CommandId(event["commandId"]))
    assert command["final_type"] == "ias.event.IdentityVerificationExpired"


async def test_a_step_waits_a_minute_for_what_is_under_way(
    database: Database, sweeper: Sweeper
) -> None:
    async with database.transaction() as unit:
        pending = await people.verifying(unit, SubjectId("jane"), PatientId(PATIENT))
    key = ("verification_id", pending.verification_id)
    await age(database, "identity_verification", "expires_at", 50, *key)
    assert await sweeper.round() == 0
    assert await kinds(database) == []


async def test_a_webhook_after_the_end_still_verifies(
    database: Database, sweeper: Sweeper, process: Processor
) -> None:
    """I1: the proof of a person is not lost for being late."""
    async with database.transaction() as unit:
        pending = await people.verifying(unit, SubjectId("jane"), PatientId(PATIENT))
    key = ("verification_id", pending.verification_id)
    await age(database, "identity_verification", "expires_at", 90000, *key)
    assert await sweeper.round() == 1
    body = records.sample("ias.identity.verified.variant-a-payload")
    body["meta"]["data"] = {"iasVerificationId": str(pending.verification_id)}
    await process(records.webhook(body))
    assert await sweeper.round() == 0
    assert await kinds(database) == ["IdentityVerificationExpired", "IdentityVerified"]
    assert (await people.row(database, "identity"))["state"] == "active"


async def test_a_challenge_that_nobody_answered_ends_its_command(
    database: Database, sweeper: Sweeper, jane: Person
) -> None:
    """I4."""
    async with database.transaction() as unit:
        pending = await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)
    await age(database, "aal2_challenge", "expires_at", 61, "challenge_id", pending.challenge_id)
    await age(database, "aal2_challenge", "expires_at", 61, "challenge_id", jane.challenge_id)
    assert [await sweeper.round() for _ in range(2)] == [1, 0]
    event = await only(database, "Aal2ChallengeExpired")
    assert event["linkId"] == str(pending.challenge_id)
    assert event["commandId"] == str(pending.command_id)
    answered = await people.row(database, "aal2_challenge", challenge_id=jane.challenge_id)
    assert answered["state"] == "returned"


@pytest.mark.parametrize(("seconds", "ends"), [(590, False), (601, True)])
async def test_a_return_that_nobody_confirmed_ends_with_its_code(
    database: Database,
    sweeper: Sweeper,
    process: Processor,
    received: Person,
    seconds: float,
    *,
    ends: bool,
) -> None:
    """I2, I4: NIST SP 800-63B-4 gives a one-time code ten minutes."""
    await _session_is(database, "received", seconds)
    assert await sweeper.round() == int(ends)
    command = ConfirmReturn(
        command_id=CommandId(received.challenge_id),  # any new id
        subject_id=received.subject_id,
        code="code-of-this-return-0001",
    )
    await process(records.command(command))
    told = ["Aal2SessionExpired", "CommandRejected"] if ends else ["ReturnConfirmed"]
    assert await kinds(database) == told


@pytest.mark.parametrize("state", ["confirmed", "proven"])
@pytest.mark.parametrize(("seconds", "ends"), [(860, False), (871, True), (86400, True)])
async def test_a_session_ends_a_little_before_its_age_limit(
    database: Database, sweeper: Sweeper, jane: Person, state: str, seconds: float, *, ends: bool
) -> None:
    """I2: told once, with what belongs to the command that asked for the session."""
    await _session_is(database, state, seconds)
    assert [await sweeper.round() for _ in range(2)] == [int(ends), 0]
    row = await people.row(database, "aal2_session")
    assert row["state"] == ("expired" if ends else state)
    if ends:
        event = await only(database, "Aal2SessionExpired")
        challenge = await people.row(database, "aal2_challenge")
        assert event["commandId"] == str(challenge["command_id"])
        assert (event["subjectId"], event["patientId"]) == (jane.subject_id, jane.patient_id)


@pytest.mark.parametrize("state", ["expired", "refused"])
async def test_a_session_that_is_over_is_left_alone(
    database: Database, sweeper: Sweeper, jane: Person, state: str
) -> None:
    await _session_is(database, state, 90000)
    assert await sweeper.round() == 0
    assert (await people.row(database, "aal2_session"))["state"] == state
    assert await kinds(database) == []
    assert jane.subject_id == "jane"


@pytest.mark.parametrize(("idle", "ends"), [(3000, False), (3571, True)])
async def test_a_session_that_nothing_used_ends_at_its_idle_limit(
    database: Database, jane: Person, idle: float, *, ends: bool
) -> None:
    """I2: NIST SP 800-63B-4: at most an hour idle, however long the session may live."""
    lifetimes = rules(session_max_age=timedelta(hours=24), session_max_idle=timedelta(hours=1))
    await _session_is(database, "proven", 20 * 3600)
    await age(database, "aal2_session", "last_used_at", idle, "session_id", jane.session_id)
    assert await Sweeper(database, lifetimes).round() == int(ends)


async def test_an_accepted_call_is_a_use_from_when_it_was_made(
    database: Database, jane: Person
) -> None:
    """I2: not from when its proof was found."""
    query_id = await people.due_query(database, jane)
    await people.sql(
        database, "update vendor_call set called_at = clock_timestamp() - interval '10 minutes'"
    )
    async with database.transaction() as unit:
        await subjects.lock(unit, jane.subject_id)
        await queries.started(unit, query_id, VendorRequestId("request-1"))
    call = await people.row(database, "vendor_call")
    session = await people.row(database, "aal2_session")
    assert session["last_used_at"] == call["called_at"]
    async with database.transaction() as unit:
        loaded = await sessions.by_id(unit, jane.session_id)
    assert loaded is not None
    assert loaded.last_used_at == call["called_at"]
    assert loaded.state is SessionState.CONFIRMED
