"""Two messages about one person, each with a consumer of its own, at the same moment (I1, I2, I9).

Each pair is run many times, for other people: which of the two is first is up to the machine.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from consumers.processor import Processor
from schemas.base import Command
from schemas.commands import ConfirmReturn, RevokeIdentity, StartNetworkQuery
from schemas.ids import CommandId, PatientId, SubjectId
from schemas.sources import PurposeOfUse, SourceSelection
from service.bus.received import Received
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import told
from tests.support.people import Person

ROUNDS = 10
WORKS = ("received", "confirmed", "proven")
"""States of a session that could still be used, or become usable."""

Make = Callable[[], Processor]


async def at_once(make_process: Make, *messages: Received) -> None:
    """Each message in a consumer of its own; no deadlock holds them for ever."""
    async with asyncio.timeout(20):
        await asyncio.gather(*(make_process()(message) for message in messages))


async def heard(database: Database, subject: str) -> list[str]:
    """What one subject was told, in order; checks that nothing is missing in between."""
    mine = [one for one in await told(database) if one.key == subject]
    assert [one.body["sequence"] for one in mine] == list(range(1, len(mine) + 1))
    return [one.kind for one in mine]


def webhook(name: str, who: Person, request_id: str) -> Received:
    """A recorded webhook, for somebody else."""
    body = records.again(records.sample(f"network-query.{name}"))
    body["meta"]["requestId"] = request_id
    del body["meta"]["data"]
    body["payload"]["patientId"] = who.patient_id
    return records.webhook(body)


async def confirming(database: Database, who: Person, code: str) -> Received:
    """Somebody came back from the challenge; the command that confirms it."""
    async with database.transaction() as unit:
        pending = await people.challenge(unit, who.subject_id, who.patient_id, who.identity_id)
        await people.come_back(unit, pending, f"aal2_{uuid4().hex}", code=code)
    return records.command(
        ConfirmReturn(command_id=CommandId(uuid4()), subject_id=who.subject_id, code=code)
    )


def code_of(number: int) -> str:
    """A one-time code, as long as ours are."""
    return f"{number:043d}"


async def usable(database: Database, who: Person) -> int:
    """How many sessions of somebody's could still open anything."""
    found = [
        await people.count(database, "aal2_session", subject_id=who.subject_id, state=state)
        for state in WORKS
    ]
    return sum(found)


async def test_a_confirmation_beside_a_revocation_leaves_no_session(
    database: Database, make_process: Make
) -> None:
    """I2: whichever was first, nothing can be asked for afterwards."""
    for number in range(ROUNDS):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        confirm = await confirming(database, who, code_of(number))
        revoke = RevokeIdentity(
            command_id=CommandId(uuid4()),
            subject_id=who.subject_id,
            patient_id=who.patient_id,
            reason="asked for",
        )
        await at_once(make_process, confirm, records.command(revoke))
        kinds = await heard(database, who.subject_id)
        assert kinds.count("IdentityRevoked") == 1
        assert kinds.count("ReturnConfirmed") + kinds.count("CommandRejected") == 1
        if "ReturnConfirmed" in kinds:
            assert kinds.index("ReturnConfirmed") < kinds.index("IdentityRevoked")
        assert await usable(database, who) == 0


async def test_one_code_presented_by_its_owner_and_by_another_serves_the_owner_alone(
    database: Database, make_process: Make
) -> None:
    """I9: the other has a session of their own for the same patient, and a stolen code."""
    for number in range(ROUNDS):
        owner = await people.person(database, f"owner-{number}", f"patient-{number}")
        thief = await people.person(database, f"thief-{number}", f"patient-{number}")
        confirm = await confirming(database, owner, code_of(number))
        stolen = ConfirmReturn(
            command_id=CommandId(uuid4()), subject_id=thief.subject_id, code=code_of(number)
        )
        await at_once(make_process, records.command(stolen), confirm)
        assert await heard(database, owner.subject_id) == ["ReturnConfirmed"]
        assert await heard(database, thief.subject_id) == ["CommandRejected"]


async def test_webhooks_that_end_a_query_together_end_it_once(
    database: Database, make_process: Make
) -> None:
    """I1: three sources in three consumers; the last of them, and only that, finishes the query."""
    for number in range(ROUNDS):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        request_id = f"request-{number}"
        await people.started_query(database, who, request_id)
        names = ("hie.completed", "pharmacy.completed", "lab.failed")
        await at_once(make_process, *(webhook(name, who, request_id) for name in names))
        kinds = await heard(database, who.subject_id)
        assert kinds == ["NetworkQuerySourceUpdated"] * 3 + ["NetworkQueryFinished"]
        row = await people.row(database, "network_query", vendor_request_id=request_id)
        assert row["state"] == "partial"


async def test_one_identity_told_twice_is_bound_once(
    database: Database, make_process: Make
) -> None:
    """I1: the vendor sent it again under another message id."""
    sample = "ias.identity.verified.variant-a-payload"
    for number in range(ROUNDS):
        subject, patient = SubjectId(f"subject-{number}"), PatientId(f"patient-{number}")
        async with database.transaction() as unit:
            verification = await people.verifying(unit, subject, patient)
        body: Any = records.sample(sample)
        body["meta"].setdefault("data", {})["iasVerificationId"] = str(verification.verification_id)
        body["payload"]["patientId"] = patient
        body["payload"]["proofedIdentityId"] = f"pid_{uuid4().hex}"
        again = records.again(body)
        await at_once(make_process, records.webhook(body), records.webhook(again))
        assert await heard(database, subject) == ["IdentityVerified"]
        assert await people.count(database, "identity", subject_id=subject) == 1


async def test_one_command_in_two_consumers_acts_once(
    database: Database, make_process: Make
) -> None:
    """I1: a rebalance may give one record to two."""
    for number in range(ROUNDS):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        command: Command = StartNetworkQuery(
            command_id=CommandId(uuid4()),
            subject_id=who.subject_id,
            patient_id=who.patient_id,
            purpose_of_use=PurposeOfUse.IAS,
            sources=SourceSelection(hie=True),
        )
        record = records.command(command)
        await at_once(make_process, record, record)
        assert await people.count(database, "network_query", subject_id=who.subject_id) == 1
        assert Counter(await heard(database, who.subject_id)) == {"NetworkQueryQueued": 1}
