"""What is parked when its subject is erased (I7): by request, and by the patients that it names."""

from typing import Any
from uuid import uuid4

import asyncpg

from consumers.processor import Processor
from schemas.ids import PatientId, SubjectId
from service.store.pool import Database
from tests.support import people, records

from .scene import CONSOLIDATED, NETWORK, busy_person, erase

SUBJECT, PATIENT, SHARED = "jane", "patient-j", "patient-shared"


def _network(patient: str, request_id: str) -> dict[str, Any]:
    body = records.sample("network-query.hie.completed")
    body["meta"] |= {"requestId": request_id, "messageId": str(uuid4()), "data": None}
    body["payload"]["patientId"] = patient
    return dict(body)


def _consolidated(request_id: str, *patients: str) -> dict[str, Any]:
    body = records.sample("medical.consolidated-data.completed")
    body["meta"] |= {"requestId": request_id, "messageId": str(uuid4())}
    (one,) = body["patients"]
    body["patients"] = [one | {"patientId": patient} for patient in patients]
    return dict(body)


async def _left(owner: asyncpg.Connection) -> set[str]:
    rows = await owner.fetch("select vendor_request_id from parked_webhook")
    return {row["vendor_request_id"] for row in rows}


async def test_an_erasure_deletes_what_is_parked_about_its_subject_and_nothing_else(
    database: Database, owner: asyncpg.Connection, process: Processor
) -> None:
    """I6: what may concern anybody else stays, to be matched or to end as everything parked does."""
    async with database.transaction() as unit:
        await people.link(unit, SubjectId(SUBJECT), PatientId(PATIENT))
        await people.link(unit, SubjectId(SUBJECT), PatientId(SHARED))
        await people.link(unit, SubjectId("other"), PatientId(SHARED))
    for body in (
        _network(PATIENT, "mine"),
        _consolidated("mine-too", PATIENT),
        _network(SHARED, "of-a-shared-patient"),
        _network("patient-of-others", "of-others"),
        _consolidated("of-several", PATIENT, "patient-of-others"),
    ):
        await process(records.webhook(body))
    assert len(await _left(owner)) == 5
    await process(records.command(erase(SUBJECT)))
    assert await _left(owner) == {"of-a-shared-patient", "of-others", "of-several"}


async def test_what_an_older_release_parked_goes_by_its_request(
    database: Database, owner: asyncpg.Connection, process: Processor
) -> None:
    """Its rows do not say whom they name."""
    mine = (f"{NETWORK}-{SUBJECT}", f"{CONSOLIDATED}-{SUBJECT}")
    for request_id in (*mine, "of-others", f"{CONSOLIDATED}-shared"):
        await process(records.webhook(_network("patient-x", request_id)))
    await owner.execute("update parked_webhook set patient_ids = null")
    who = await busy_person(database, SUBJECT, PATIENT)
    other = await people.person(database, "other", PATIENT)
    for one in (who, other):
        await people.started_consolidated(database, one, f"{CONSOLIDATED}-shared")
    await process(records.command(erase(SUBJECT)))
    assert await _left(owner) == {"of-others", f"{CONSOLIDATED}-shared"}
