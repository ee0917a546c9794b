"""One command for the whole retrieval, on running processes (I2, I4, I5)."""

import gzip
import json

import pytest

from tests.local.journey import resource_types
from tests.local.person import Person
from tests.processes.scene import Member, Scene

pytestmark = pytest.mark.process

HIE = {"hie": True}
ALL = {"hie": True, "pharmacy": True, "lab": True}


async def _ask(member: Member, **fields: object) -> str:
    """RequestRecords; its command id."""
    returning = member.application.return_url
    return await member.send("RequestRecords", **({"returnUrl": returning} | fields))


async def _waits(member: Member, command: str, waiting_for: str) -> str:
    """Wait until the request waits for that; its id."""
    told = await member.told("RecordRequestUpdated", command, waitingFor=waiting_for)
    return str(told["requestId"])


async def _link(member: Member, command: str, which: int) -> dict[str, str]:
    """The link of the first or second step that the person was asked for."""
    asked = await member.application.event("UserActionRequired", skip=which, commandId=command)
    return await member.application.link(asked["linkId"])


async def test_one_command_leads_to_the_record_and_a_repeat_is_answered_from_it(
    scene: Scene,
) -> None:
    """I4: demographics in, FHIR out; the application shows two links and confirms one return."""
    member = await scene.member("records")
    first = await _ask(member, demographics=member.demographics, sources=ALL)
    proofing = await _link(member, first, 0)
    await member.person.prove_identity(proofing["url"])
    challenge = await _link(member, first, 1)
    await member.person.answer_challenge(challenge["url"])
    second = await _ask(member, patientId=challenge["patientId"], sources=HIE)
    await member.confirm(await member.application.returned(challenge["linkId"]))

    finished = await member.told("RecordRequestFinished", first)
    assert (finished["result"], finished["counts"]) == (
        "ready",
        {"completed": 3, "failed": 0, "processing": 0},
    )
    link = await member.application.link(finished["linkId"])
    async with Person() as downloader:
        raw = await downloader.download(link["url"])
    bundle = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    assert resource_types(bundle)["Patient"] == 1

    joined = await member.told("RecordRequestFinished", second)
    assert joined["result"] == "ready"
    third = await _ask(member, patientId=challenge["patientId"], sources=HIE)
    assert (await member.told("RecordRequestFinished", third))["result"] == "ready"
    calls = await scene.vendor.calls("start-network-query", challenge["patientId"])
    assert len(calls) == 1
    kinds = [told.content["kind"] for told in member.distinct() if "kind" in told.content]
    assert kinds.count("identity_verification") == 1
    sequences = [told.content["sequence"] for told in member.distinct()]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_a_cancelled_request_calls_nobody_any_more(scene: Scene) -> None:
    """I4: its link to the proofing page is over, and both commands are answered."""
    member = await (await scene.member("cancels")).registered()
    command = await _ask(member, patientId=member.patient_id, sources=HIE)
    request_id = await _waits(member, command, "identity_verification")
    cancel = await member.send("CancelRecordRequest", requestId=request_id)
    for one in (command, cancel):
        finished = await member.told("RecordRequestFinished", one)
        assert (finished["result"], finished["requestId"]) == ("cancelled", request_id)
    assert await scene.vendor.calls("start-network-query", member.patient_id) == []
    await member.still_works()
