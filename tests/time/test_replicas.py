"""Several sweepers, and sweepers beside the messages that arrive at the same moment (I1, I4, I5)."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import pytest

from consumers import expiring
from consumers import sweeper as sweeping
from consumers.processor import Processor
from consumers.sweeper import Sweeper
from schemas.commands import ConfirmReturn
from schemas.ids import CommandId, PatientId, SubjectId
from service.ias.identity import Verification, VerificationState
from service.store import identities, subjects
from service.store.expiry import Kind
from service.store.pool import Database
from service.store.unit import Unit
from tests.support import people, records
from tests.support.outbox import kinds, told
from tests.support.people import Person
from tests.support.waiting import blocked

from .conftest import age

PATIENT = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"
SUBJECTS = 8
CODE = "code-of-this-return-0001"
EACH_ONCE = {
    "IdentityVerificationExpired": SUBJECTS,
    "Aal2ChallengeExpired": SUBJECTS,
    "Aal2SessionExpired": SUBJECTS,
    "NetworkQueryRefused": SUBJECTS,
    "NetworkQueryFinished": SUBJECTS,
    "ConsolidatedDataFailed": SUBJECTS,
    "PatientRegistrationFailed": SUBJECTS,
}


async def _everything_is_over(database: Database) -> None:
    """One thing of every kind that tells something, for each of several subjects."""
    for number in range(SUBJECTS):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        await people.due_query(database, who)
        await people.started_query(database, who, f"request-{number}")
        await people.due_consolidated(database, who)
        await people.registering(database, who.subject_id, demographics=b"{}")
        async with database.transaction() as unit:
            await people.verifying(unit, who.subject_id, who.patient_id)
            await people.challenge(unit, who.subject_id, who.patient_id, who.identity_id)
    for table, column in (
        ("identity_verification", "expires_at"),
        ("aal2_challenge", "expires_at"),
        ("aal2_session", "returned_at"),
        ("network_query", "deadline"),
        ("consolidated_query", "created_at"),
        ("registration", "created_at"),
    ):
        await people.sql(database, f"update {table} set {column} = now() - interval '40 days'")  # noqa: S608 - names of the tests' own


async def test_three_sweepers_end_everything_once(
    database: Database, replicas: list[Sweeper]
) -> None:
    """I4, I5."""
    await _everything_is_over(database)
    ended = 0
    while ended < sum(EACH_ONCE.values()):
        at_once = await asyncio.gather(*(one.round() for one in replicas))
        assert sum(at_once) > 0
        ended += sum(at_once)
    assert ended == sum(EACH_ONCE.values())
    assert await asyncio.gather(*(one.round() for one in replicas)) == [0, 0, 0]
    events = await told(database)
    assert Counter(event.kind for event in events) == EACH_ONCE
    for number in range(SUBJECTS):
        mine = [one.body["sequence"] for one in events if one.key == f"subject-{number}"]
        assert mine == list(range(1, len(EACH_ONCE) + 1))


@pytest.fixture
async def waiting(database: Database) -> Verification:
    """Jane is asked to prove who she is, and her time is over."""
    async with database.transaction() as unit:
        pending = await people.verifying(unit, SubjectId("jane"), PatientId(PATIENT))
    key = ("verification_id", pending.verification_id)
    await age(database, "identity_verification", "expires_at", 90, *key)
    return pending


async def test_a_sweeper_passes_by_what_somebody_works_on(
    database: Database, sweeper: Sweeper, waiting: Verification
) -> None:
    """I4: and finds it verified afterwards."""
    async with database.transaction() as unit:
        await subjects.lock(unit, waiting.subject_id)
        assert await sweeper.round() == 0
        await people.prove(unit, waiting, "pid_1")
        assert await sweeper.round() == 0
    assert await sweeper.round() == 0
    assert await kinds(database) == []
    row = await people.row(database, "identity_verification")
    assert row["state"] == VerificationState.VERIFIED


async def test_a_webhook_that_comes_while_its_verification_is_being_ended_comes_after(
    database: Database,
    sweeper: Sweeper,
    process: Processor,
    waiting: Verification,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I1, I5: both happened, in the order of their commits."""
    ending, go_on = _paused(monkeypatch, Kind.VERIFICATION)
    body = records.sample("ias.identity.verified.variant-a-payload")
    body["meta"]["data"] = {"iasVerificationId": str(waiting.verification_id)}
    async with asyncio.TaskGroup() as group:
        sweep = group.create_task(sweeper.round())
        await ending.wait()
        group.create_task(process(records.webhook(body)))
        await blocked(lambda: people.waiting_for_locks(database))
        go_on.set()
    assert sweep.result() == 1
    events = await told(database)
    assert [(one.kind, one.body["sequence"]) for one in events] == [
        ("IdentityVerificationExpired", 1),
        ("IdentityVerified", 2),
    ]
    async with database.transaction() as unit:
        assert await identities.active(unit, waiting.subject_id, waiting.patient_id) is not None


async def test_a_confirmation_that_comes_while_its_session_is_being_ended_is_rejected(
    database: Database, sweeper: Sweeper, process: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I2: the session was told to be over, so nothing may bring it back."""
    who = await _returned(database)
    await people.sql(
        database,
        "update aal2_session set returned_at = clock_timestamp() - interval '601 seconds'"
        " where state = 'received'",
    )
    ending, go_on = _paused(monkeypatch, Kind.CODE)
    async with asyncio.TaskGroup() as group:
        group.create_task(sweeper.round())
        await ending.wait()
        group.create_task(process(records.command(_confirm(who))))
        await blocked(lambda: people.waiting_for_locks(database))
        go_on.set()
    assert await kinds(database) == ["Aal2SessionExpired", "CommandRejected"]
    assert await people.count(database, "aal2_session", state="expired") == 1


async def test_a_session_confirmed_at_the_last_moment_lives_on(
    database: Database, replicas: list[Sweeper], process: Processor
) -> None:
    """I2: until its own age limit."""
    who = await _returned(database)
    await process(records.command(_confirm(who)))
    await people.sql(
        database, "update aal2_session set returned_at = clock_timestamp() - interval '11 minutes'"
    )
    assert await asyncio.gather(*(one.round() for one in replicas)) == [0, 0, 0]
    assert await kinds(database) == ["ReturnConfirmed"]


async def _returned(database: Database) -> Person:
    who = await people.person(database, "jane", PATIENT)
    async with database.transaction() as unit:
        pending = await people.challenge(unit, who.subject_id, who.patient_id, who.identity_id)
        await people.come_back(unit, pending, "aal2_second", code=CODE)
    return who


def _confirm(who: Person) -> ConfirmReturn:
    return ConfirmReturn(command_id=CommandId(uuid4()), subject_id=who.subject_id, code=CODE)


def _paused(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> tuple[asyncio.Event, asyncio.Event]:
    """Let a sweeper stop in the middle of one kind: it says so, and goes on when told."""
    ending, go_on = asyncio.Event(), asyncio.Event()

    async def pausing(unit: Unit, ref_id: UUID) -> bool:
        ended = await expiring.ENDINGS[kind](unit, ref_id)
        ending.set()
        await go_on.wait()
        return ended

    monkeypatch.setattr(sweeping, "ENDINGS", {**expiring.ENDINGS, kind: pausing})
    return ending, go_on
