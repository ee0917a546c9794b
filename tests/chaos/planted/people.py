"""Scenarios of people who must not get at what is not theirs."""

import asyncio
import uuid
from typing import Final

from tests.chaos.planted.plain import MARGIN, PHARMACY, completed, outcome, webhook
from tests.chaos.planted.stage import Scenario
from tests.processes.scene import Member, Scene


async def _two(scene: Scene) -> tuple[Member, Member]:
    """Two subjects with the same demographics: the vendor gives them one patient."""
    first = await scene.member("a")
    return first, await scene.member("b", like=first)


async def two_sessions(scene: Scene) -> None:
    """Both subjects of a patient have sessions; the one whose session is older queries."""
    first, second = await _two(scene)
    await first.ready()
    await second.ready()
    await first.start_query(sources=PHARMACY)
    await asyncio.sleep(MARGIN)


async def unconfirmed(scene: Scene) -> None:
    """A person came back, and their application has not vouched for that."""
    member = await (await scene.member("unconfirmed")).proofed()
    await member.come_back(member.patient_id)
    await member.start_query(sources=PHARMACY)
    await asyncio.sleep(MARGIN)


async def not_entitled(scene: Scene) -> None:
    """One subject of a patient has done everything, the other nothing, and asks for the record."""
    first, second = await _two(scene)
    await first.ready()
    await first.query(first.patient_id)
    await second.registered()
    await second.send("StartConsolidatedQuery", patientId=second.patient_id)
    await scene.calls_done()
    await asyncio.sleep(MARGIN)


async def another_patient(scene: Scene) -> None:
    """A webhook names one subject's request and another one's patient."""
    other = await (await scene.member("other")).registered()
    member = await (await scene.member("member")).ready()
    await outcome(scene, "pharmacy", "stuck")
    command = await member.start_query(sources=PHARMACY)
    started = await member.told("NetworkQueryStarted", command)
    payload = completed(other.patient_id, "pharmacy")
    request_id = started["vendorRequestId"]
    await scene.vendor.emit(webhook("network-query.pharmacy", payload, request_id))
    await asyncio.sleep(MARGIN)


async def guessed(scene: Scene) -> None:
    """Of two subjects of a patient one is being verified, and an identity comes that names neither."""
    first, second = await _two(scene)
    await first.registered()
    await second.registered()
    back = scene.application.return_url
    fields = {"patientId": first.patient_id, "returnUrl": back}
    await first.step_link(await first.send("StartIdentityVerification", **fields))
    fields = {"patientId": first.patient_id, "status": "active"}
    claim = fields | {"proofedIdentityId": f"pid_{uuid.uuid4().hex}"}
    await scene.vendor.emit(webhook("ias.identity.verified", claim))
    await asyncio.sleep(MARGIN)


async def revoked(scene: Scene) -> None:
    """A person revokes, and a query is asked for after that."""
    member = await (await scene.member("revoked")).ready()
    fields = {"patientId": member.patient_id, "reason": "the person asked for it"}
    command = await member.send("RevokeIdentity", **fields)
    await member.told("IdentityRevoked", command)
    await member.start_query(sources=PHARMACY)
    await asyncio.sleep(MARGIN)


SCENARIOS: Final = (
    Scenario("two sessions", two_sessions),
    Scenario("unconfirmed", unconfirmed),
    Scenario("not entitled", not_entitled),
    Scenario("another patient", another_patient),
    Scenario("guessed", guessed),
    Scenario("revoked", revoked),
)
