"""Parked webhooks that nobody claims: an end that is seen when they concern us (I6, I7)."""

import asyncio
import base64
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from consumers.processor import Processor
from consumers.unparking import Unparker
from schemas.ids import PatientId, SubjectId
from schemas.topics import Topic
from service.crypto.sealing import Opener, place
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import kinds, told
from tests.support.settings import SEALING_PRIVATE_KEY

OURS, OTHERS = "patient-of-ours", "patient-of-others"


def _network(patient: str, request_id: str) -> dict[str, Any]:
    body = records.sample("network-query.hie.completed")
    body["meta"] |= {"requestId": request_id, "messageId": str(uuid4()), "data": None}
    body["payload"]["patientId"] = patient
    return dict(body)


def _consolidated(*patients: str) -> dict[str, Any]:
    body = records.sample("medical.consolidated-data.completed")
    body["meta"] |= {"requestId": "request-c", "messageId": str(uuid4())}
    (one,) = body["patients"]
    body["patients"] = [one | {"patientId": patient} for patient in patients]
    return dict(body)


@pytest.fixture
async def linked(database: Database) -> None:
    """A subject who is linked to a patient."""
    async with database.transaction() as unit:
        await people.link(unit, SubjectId("jane"), PatientId(OURS))


def _forgotten() -> float:
    return REGISTRY.get_sample_value("ias_parked_forgotten_total") or 0.0


async def _age(database: Database) -> None:
    await people.sql(
        database, "update parked_webhook set received_at = now() - interval '25 hours'"
    )


@pytest.mark.usefixtures("linked")
async def test_one_about_a_patient_of_ours_ends_in_the_dead_letters_sealed(
    database: Database, process: Processor, unparker: Unparker
) -> None:
    """Once, however many replicas look; the letter opens to the bytes that Metriport signed."""
    record = records.webhook(_network(OURS, "request-1"))
    await process(record)
    await unparker.end()
    assert await told(database, Topic.DEAD_LETTERS) == []
    await _age(database)
    await asyncio.gather(*(unparker.end() for _ in range(3)))
    (letter,) = await told(database, Topic.DEAD_LETTERS)
    assert (letter.body["reason"], letter.body["messageType"]) == (
        "request_unknown",
        "network-query.hie",
    )
    where = place(Topic.DEAD_LETTERS, Topic.WEBHOOKS, letter.id)
    sealed = base64.b64decode(letter.body["sealed"])
    assert OURS.encode() not in sealed
    assert Opener((SEALING_PRIVATE_KEY,)).open(sealed, where) == record.value
    assert await people.count(database, "parked_webhook") == 0


@pytest.mark.usefixtures("linked")
async def test_one_that_names_several_patients_ends_there_when_one_of_them_is_ours(
    database: Database, process: Processor, unparker: Unparker
) -> None:
    await process(records.webhook(_consolidated(OTHERS, OURS)))
    await _age(database)
    await unparker.end()
    assert len(await told(database, Topic.DEAD_LETTERS)) == 1


@pytest.mark.usefixtures("linked")
async def test_those_about_patients_of_others_are_counted_only_however_many(
    database: Database, process: Processor, unparker: Unparker
) -> None:
    for number in range(45):  # more than two pages
        await process(records.webhook(_network(OTHERS, f"request-{number}")))
    await _age(database)
    before = _forgotten()
    await unparker.end()
    assert _forgotten() == before + 45
    assert await people.count(database, "parked_webhook") == 0
    assert await kinds(database) == []


async def test_what_an_older_release_parked_may_be_ours_and_is_seen(
    database: Database, process: Processor, unparker: Unparker
) -> None:
    """Its row does not say whom it names."""
    await process(records.webhook(_network(OTHERS, "request-1")))
    await people.sql(database, "update parked_webhook set patient_ids = null")
    await _age(database)
    await unparker.end()
    assert len(await told(database, Topic.DEAD_LETTERS)) == 1


async def test_one_that_is_claimed_at_the_last_moment_is_handled_and_not_ended(
    database: Database, process: Processor, unparker: Unparker
) -> None:
    """I1: the call's answer landed after a day."""
    await process(records.webhook(_network(OURS, "request-1")))
    who = await people.person(database, "jane", OURS)
    await people.started_query(database, who, "request-1")
    await _age(database)
    running = asyncio.create_task(unparker.run())
    try:
        async with asyncio.timeout(10):
            while await people.count(database, "parked_webhook"):
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await kinds(database) == ["NetworkQuerySourceUpdated"]
    assert await told(database, Topic.DEAD_LETTERS) == []
