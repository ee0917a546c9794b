"""``metriport-ias audit`` beside the running roles: what an auditor does, in one command."""

import asyncio
import json
import sys

import pytest

from tests.local.deployment import ROOT
from tests.processes.scene import Scene

pytestmark = pytest.mark.process


async def audit(scene: Scene, *arguments: str) -> tuple[int, str]:
    """Run the command with an auditor's settings: no key that signs, none that opens a record."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumers", "audit", *arguments),
        cwd=ROOT,
        env=scene.deployment.environment("audit"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 30.0)
    return process.returncode or 0, printed.decode()


async def test_what_a_whole_retrieval_wrote_is_in_order_and_matches_the_published_heads(
    scene: Scene,
) -> None:
    """The chain is sealed, its head is published, and nothing in it names the person."""
    member = await scene.member("audited")
    await member.complete()
    await scene.until(lambda: scene.count("audit_unchained") == 0, "every entry is in the chain")
    await scene.until(lambda: scene.count("audit_head") > 0, "a head is signed", within=70.0)
    await scene.relayed()

    code, printed = await audit(scene, "verify", "--heads", "kafka")
    assert (code, printed.splitlines()[-1]) == (0, "in order")
    assert "heads given: 0" not in printed

    code, printed = await audit(scene, "export")
    assert code == 0
    lines = [json.loads(line) for line in printed.splitlines()]
    assert {line["resourceType"] for line in lines} == {"AuditEvent"}
    assert member.subject_id not in printed
    (patient_id,) = {told.content["patientId"] for told in member.events()}
    assert patient_id not in printed
