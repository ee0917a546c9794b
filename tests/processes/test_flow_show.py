"""``metriport-ias flow show`` on a whole deployment: everything about somebody, and no secret."""

import json
import uuid

import pytest

from tests.processes.command import command
from tests.processes.scene import Member, Scene

pytestmark = pytest.mark.process


async def through(scene: Scene, name: str) -> tuple[Member, str]:
    """A member whose query has finished; the query's command id."""
    member = await (await scene.member(name)).ready()
    query = await member.start_query()
    await member.told("NetworkQueryFinished", query)
    await scene.relayed()
    return member, query


async def test_a_subject_is_told_as_a_timeline_without_a_secret(scene: Scene) -> None:
    """I7: neither the vendor's secrets nor demographics are in it."""
    member, _ = await through(scene, "told")
    ended = await command(
        scene.deployment, "flow", "show", "--subject", member.subject_id, "--json"
    )
    assert ended.code == 0
    lines = ended.json["lines"]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert {(line["kind"], line["what"]) for line in lines} >= {
        ("command", "ias.command.RegisterPatient"),
        ("link", "ias"),
        ("registration", "registered"),
        ("identity verification", "verified"),
        ("identity", "active"),
        ("challenge", "returned"),
        ("session", "proven"),
        ("hosted page", "ready"),
        ("network query", "completed"),
        ("source", "completed"),
        ("vendor call", "create_patient"),
        ("vendor call", "start_network_query"),
        ("webhook", "ias.identity.verified"),
        ("webhook", "network-query.hie"),
        ("event", "IdentityVerified"),
        ("event", "NetworkQueryFinished"),
        ("audit", "session_used"),
    }
    (call,) = [line for line in lines if line["what"] == "start_network_query"]
    assert call["fields"]["outcome"] == "accepted"
    state = json.dumps(await scene.vendor.state())
    secrets = [word for word in state.split('"') if word.startswith(("aal2_", "pid_"))]
    assert secrets
    names = [str(member.demographics[name]) for name in ("firstName", "lastName", "dob")]
    told = ended.out + ended.err
    assert [secret for secret in (*secrets, *names) if secret in told] == []


async def test_a_command_has_only_what_is_its_own(scene: Scene) -> None:
    member, query = await through(scene, "own")
    ended = await command(scene.deployment, "flow", "show", "--command", query, "--json")
    lines = ended.json["lines"]
    assert {line["what"] for line in lines if line["kind"] == "command"} == {
        "ias.command.StartNetworkQuery"
    }
    assert {line["what"] for line in lines if line["kind"] == "vendor call"} >= {
        "start_network_query"
    }
    assert {line["fields"].get("commandId") for line in lines if line["kind"] == "event"} == {query}
    assert member.subject_id in ended.json["subjects"]


async def test_a_patient_leads_to_everybody_who_is_linked(scene: Scene) -> None:
    first = await (await scene.member("first")).registered()
    second = await (await scene.member("second", like=first)).registered()
    assert second.patient_id == first.patient_id
    ended = await command(
        scene.deployment, "flow", "show", "--patient", first.patient_id, "--no-kafka", "--json"
    )
    assert set(ended.json["subjects"]) == {first.subject_id, second.subject_id}
    assert not [line for line in ended.json["lines"] if line["kind"] == "event"]
    told = await command(
        scene.deployment, "flow", "show", "--patient", first.patient_id, "--no-kafka"
    )
    assert told.out.startswith("subjects: ")
    assert "ias.command.RegisterPatient" in told.out


async def test_nobody_of_that_name_ends_with_1(scene: Scene) -> None:
    ended = await command(scene.deployment, "flow", "show", "--subject", f"no-{uuid.uuid4()}")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("metriport-ias: there is no such")
    ended = await command(scene.deployment, "flow", "show")
    assert ended.code == 2
