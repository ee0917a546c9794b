"""Scenarios in which nothing goes wrong but the order or number of messages, or the clock."""

import asyncio
import json
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from tests.chaos.planted.stage import Scenario
from tests.local.application import Fields
from tests.processes.scene import Scene

PHARMACY: Final = {"pharmacy": True}
"""A source without the slot of a patient, which would keep a second query waiting."""

MARGIN: Final = 1.5
"""Seconds in which what must not happen would have happened."""


async def outcome(scene: Scene, of: str, result: str) -> None:
    """Decide how the vendor's next work of a kind ends."""
    url = f"{scene.vendor.url}/_sandbox/outcomes"
    async with scene.vendor.http.post(url, json={"of": of, "result": result}) as answer:
        answer.raise_for_status()


def webhook(kind: str, payload: Fields, request_id: str | None = None) -> Fields:
    """A webhook as the vendor would write it, without metadata."""
    when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    meta: dict[str, Any] = {"messageId": str(uuid.uuid4()), "when": when, "type": kind}
    if request_id is not None:
        meta["requestId"] = request_id
    return {"meta": meta, "payload": payload}


def completed(patient_id: str, source: str) -> Fields:
    """The payload that says that a source of a network query has completed."""
    when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    row = {"type": source, "source": "surescripts", "status": "completed", "completedAt": when}
    url = "https://vendor.example/files/record.json"
    return {
        "patientId": patient_id,
        "consolidatedDataUrl": url,
        "source": row,
        "purposeOfUse": "ias",
    }


async def retrieval(scene: Scene) -> None:
    """One person's complete retrieval."""
    member = await (await scene.member("plain")).ready()
    await member.query(member.patient_id)
    await asyncio.sleep(MARGIN)
    await member.send("StartConsolidatedQuery", patientId=member.patient_id)
    await scene.calls_done()
    await asyncio.sleep(MARGIN)


async def record_request(scene: Scene) -> None:
    """One command gets the record of a person who has done both steps."""
    member = await (await scene.member("records")).ready()
    command = await member.request_records(patientId=member.patient_id)
    await member.told("RecordRequestFinished", command)
    await asyncio.sleep(MARGIN)


async def command_twice(scene: Scene) -> None:
    """One network query command arrives twice."""
    member = await (await scene.member("twice")).ready()
    command = await member.start_query(sources=PHARMACY)
    await member.told("NetworkQueryFinished", command)
    await member.start_query(sources=PHARMACY, commandId=command)
    await asyncio.sleep(MARGIN)


async def unbound_twice(scene: Scene) -> None:
    """An identity that names nobody's verification arrives twice, for a patient of two subjects."""
    member = await (await scene.member("a")).registered()
    await (await scene.member("b", like=member)).registered()
    fields = {"patientId": member.patient_id, "status": "active"}
    claim = fields | {"proofedIdentityId": f"pid_{uuid.uuid4().hex}"}
    body = webhook("ias.identity.verified", claim)
    before = scene.count("unbound_identity")
    await scene.vendor.emit(body)
    await scene.until(lambda: scene.count("unbound_identity") > before, "it is kept")
    await scene.vendor.emit(body)
    await asyncio.sleep(MARGIN)


async def pace(scene: Scene) -> None:
    """Three patients are to be created, where the account allows two a minute."""
    members = [await scene.member(f"crowd-{number}") for number in range(3)]
    for member in members:
        await member.send("RegisterPatient", purpose="ias", demographics=member.demographics)
    await asyncio.sleep(MARGIN * 2)


async def overdue(scene: Scene) -> None:
    """Nobody answers a challenge, and its time is over."""
    member = await (await scene.member("late")).proofed()
    await member.ask_challenge(member.patient_id)
    scene.sql("update aal2_challenge set expires_at = now() - interval '10 minutes'")
    await asyncio.sleep(6.0)  # the sweeper looks every five seconds


async def forged(scene: Scene) -> None:
    """Somebody who has no key posts a webhook that looks like the vendor's."""
    member = await (await scene.member("forged")).registered()
    claim = {"patientId": member.patient_id, "proofedIdentityId": f"pid_{uuid.uuid4().hex}"}
    body = json.dumps(webhook("ias.identity.verified", claim)).encode()
    url = f"{scene.deployment.settings.public_url}/webhooks/metriport"
    headers = {"content-type": "application/json", "x-metriport-signature": "0" * 64}
    async with scene.vendor.http.post(url, data=body, headers=headers) as answer:
        await answer.read()
    await asyncio.sleep(MARGIN)


SCENARIOS: Final = (
    Scenario("retrieval", retrieval),
    Scenario("record request", record_request),
    Scenario("command twice", command_twice),
    Scenario("unbound twice", unbound_twice),
    Scenario("pace", pace, {"PACING_PATIENT_WRITES": "2"}, waits=True),
    Scenario("overdue", overdue),
    Scenario("forged", forged),
)
