"""``metriport-ias dead-letters`` on a whole deployment: what was put aside is found, told, handled again."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.processes.command import command
from tests.processes.scene import Scene
from tests.support.letters import COMMANDS, forge_letter

pytestmark = pytest.mark.process


async def put_aside(scene: Scene) -> str:
    """Send a command that is too broken to be answered; the id of its dead letter."""
    before = {one["id"] for one in (await listed(scene))}
    body = b'{"commandId": "not-a-uuid", "demographics": {"firstName": "Canary-Name"}}'
    await scene.application.send_raw("ias.command.RegisterPatient", body, b"nobody")
    found: list[str] = []

    async def looked() -> bool:
        found[:] = [one["id"] for one in await listed(scene) if one["id"] not in before]
        return bool(found)

    for _ in range(20):
        if await looked():
            return found[0]
    raise AssertionError("no dead letter came")


async def listed(scene: Scene, *arguments: str) -> list[Any]:
    ended = await command(scene.deployment, "dead-letters", "list", "--json", *arguments)
    found: list[Any] = ended.json
    assert ended.code == (1 if found else 0)
    return found


@asynccontextmanager
async def without_consumers(scene: Scene) -> AsyncIterator[None]:
    await scene.stop("consumers")
    try:
        yield
    finally:
        await scene.start("consumers")


async def test_a_broken_command_is_listed_and_told_without_what_it_says(scene: Scene) -> None:
    """I7: by default the shape alone; with --content its fields, demographics masked."""
    letter_id = await put_aside(scene)
    (one,) = [letter for letter in await listed(scene) if letter["id"] == letter_id]
    assert (one["reason"], one["topic"]) == ("invalid_field", COMMANDS)
    assert letter_id not in {
        letter["id"] for letter in await listed(scene, "--reason", "not_authentic")
    }
    ended = await command(scene.deployment, "dead-letters", "show", letter_id, "--json")
    assert (ended.code, ended.json["opens"]) == (0, True)
    assert ended.json["shape"]["$.demographics.firstName"] == ["text"]
    assert ended.json["remedy"]
    told = await command(scene.deployment, "dead-letters", "show", letter_id, "--content")
    assert "not-a-uuid" in told.out
    assert "Canary-Name" not in ended.out + told.out + told.err


async def test_a_broken_command_is_refused_again_and_puts_nothing_aside(scene: Scene) -> None:
    letter_id = await put_aside(scene)
    count = len(await listed(scene))
    ended = await command(scene.deployment, "dead-letters", "replay", letter_id, "--json")
    assert ended.code == 1
    assert ended.json == [{"id": letter_id, "result": "refused", "reason": "invalid_field"}]
    await scene.relayed()
    assert len(await listed(scene)) == count


async def test_what_a_handler_failed_on_takes_effect_once_when_it_is_replayed(
    scene: Scene,
) -> None:
    """I1: also when the consumers meet the record themselves afterwards."""
    member = await scene.member("replayed")
    content = {
        "commandId": str(uuid.uuid4()),
        "subjectId": member.subject_id,
        "purpose": "ias",
        "demographics": member.demographics,
    }
    value = json.dumps(content).encode()
    async with without_consumers(scene):
        partition, offset = await scene.application.send_raw(
            "ias.command.RegisterPatient", value, member.subject_id.encode()
        )
        letter_id = await forge_letter(scene.deployment.settings, value, partition, offset)
        dry = await command(
            scene.deployment, "dead-letters", "replay", letter_id, "--dry-run", "--json"
        )
        assert (dry.code, dry.json[0]["result"]) == (0, "there")
        assert scene.count("command", member) == 0
        ended = await command(scene.deployment, "dead-letters", "replay", letter_id, "--json")
        assert (ended.code, ended.json[0]["result"]) == (0, "handled")
        again = await command(scene.deployment, "dead-letters", "replay", letter_id, "--json")
        assert (again.code, again.json[0]["result"]) == (0, "repeated")
    await scene.application.event("PatientRegistered", subjectId=member.subject_id)
    assert scene.count("command", member) == 1
    assert member.names().count("PatientRegistered") == 1


async def test_a_letter_whose_record_is_another_by_now_is_gone(scene: Scene) -> None:
    """The right to write dead letters is not the right to have anything handled."""
    partition, offset = await scene.application.send_raw(
        "ias.command.RegisterPatient", b'{"subjectId": "somebody"}', b"somebody"
    )
    letter_id = await forge_letter(
        scene.deployment.settings, b'{"subjectId": "another"}', partition, offset
    )
    ended = await command(scene.deployment, "dead-letters", "replay", letter_id, "--json")
    assert (ended.code, ended.json[0]["result"]) == (1, "gone")


async def test_nothing_is_replayed_that_was_not_asked_for(scene: Scene) -> None:
    ended = await command(scene.deployment, "dead-letters", "replay")
    assert (ended.code, ended.out) == (2, "")
    ended = await command(scene.deployment, "dead-letters", "replay", str(uuid.uuid4()))
    assert ended.code == 1
    assert "there is no such dead letter" in ended.err
