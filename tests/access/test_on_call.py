"""The tools of the person on call work where the README has them run: with the consumers' own login."""

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from tests.access.secured import SecuredDeployment
from tests.local.journey import Journey
from tests.processes.command import Ended, started
from tests.support.letters import forge_letter

pytestmark = [pytest.mark.kafka, pytest.mark.process]


class OnCall(NamedTuple):
    """What the person on call has before them."""

    environment: Mapping[str, str]
    subject_id: str
    letter_id: str

    async def run(self, *arguments: str) -> Ended:
        return await started(self.environment, *arguments)

    async def sees(self, there: Callable[[str], bool], *arguments: str) -> Ended:
        """Run one until it says so: what is asked for may be on its way yet. A refusal is not waited out."""
        async with asyncio.timeout(40):
            while True:
                ended = await self.run(*arguments)
                assert "Authorization" not in ended.err, ended.err
                if there(ended.out):
                    return ended
                await asyncio.sleep(0.2)

    async def said(self, *arguments: str) -> Any:
        """The document that a tool prints; one that could not look prints none."""
        ended = await self.run(*arguments, "--json")
        assert ended.out, ended.err
        return ended.json


@pytest.fixture
async def on_call(secured: SecuredDeployment, member: Journey) -> OnCall:
    """A shell in a pod of the consumers; a command was put aside, and took effect since."""
    public = secured.settings.keys["AUDIT_PUBLIC_KEYS"]
    environment = secured.environment("consumers") | {"AUDIT_PUBLIC_KEYS": public}
    subject_id = f"on-call-{uuid.uuid4()}"
    command = {
        "commandId": str(uuid.uuid4()),
        "subjectId": subject_id,
        "purpose": "ias",
        "demographics": member.demographics,
    }
    value = json.dumps(command).encode()
    place = await member.application.send_raw(
        "ias.command.RegisterPatient", value, subject_id.encode()
    )
    letter_id = await forge_letter(secured.settings, value, *place)
    return OnCall(environment, subject_id, letter_id)


async def test_a_timeline_holds_the_events(on_call: OnCall) -> None:
    ended = await on_call.sees(
        lambda out: '"PatientRegistered"' in out,
        *("flow", "show", "--subject", on_call.subject_id, "--json"),
    )
    told = {(line["kind"], line["what"]) for line in ended.json["lines"]}
    assert {("command", "ias.command.RegisterPatient"), ("event", "PatientRegistered")} <= told


async def test_dead_letters_are_listed_told_and_handled_again(on_call: OnCall) -> None:
    listed = await on_call.said("dead-letters", "list", "--since", "1h")
    assert on_call.letter_id in {one["id"] for one in listed}
    shown = await on_call.said("dead-letters", "show", on_call.letter_id)
    assert shown["opens"] is True
    ended = await on_call.run("dead-letters", "replay", on_call.letter_id, "--json")
    assert ended.code == 0, ended.err
    (done,) = ended.json
    assert done["result"] in {"handled", "repeated"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("webhooks", "replay", "--since", "1s", "--dry-run"),
        ("observe", "--since", "1s"),
        ("topics", "check"),
        ("reencrypt", "--check"),
    ],
)
async def test_no_other_tool_lacks_a_right(on_call: OnCall, arguments: tuple[str, ...]) -> None:
    """What they find is another's matter: they can look."""
    ended = await on_call.run(*arguments)
    assert ended.code in {0, 1}
    assert ended.out, ended.err


async def test_calls_are_held_against_the_published_heads(on_call: OnCall) -> None:
    ended = await on_call.run("dispatch", "status", "--heads", "kafka")
    assert ended.code == 0, ended.err


async def test_the_audit_is_held_against_the_published_heads(on_call: OnCall) -> None:
    ended = await on_call.sees(
        lambda out: "heads given: " in out and "heads given: 0" not in out,
        *("audit", "verify", "--heads", "kafka"),
    )
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "in order")


async def test_the_doctor_sees_how_every_topic_is_set(on_call: OnCall) -> None:
    """One broker alone: each topic is warned of for what the doctor can only read off its settings."""
    told = (await on_call.said("doctor"))["findings"]
    assert "kafka.configs" not in {one["check"] for one in told}
    seen = {one["about"] for one in told if one["check"] == "kafka.min-insync"}
    assert len(seen) == 7
