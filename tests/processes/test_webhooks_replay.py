"""``metriport-ias webhooks replay`` on a whole deployment: through the normal path, once in effect (I1)."""

import pytest

from tests.processes.command import command
from tests.processes.scene import Member, Scene

pytestmark = pytest.mark.process


async def replay(scene: Scene, *arguments: str) -> tuple[int | None, dict[str, int]]:
    ended = await command(
        scene.deployment, "webhooks", "replay", "--since", "1h", "--json", *arguments
    )
    results: dict[str, int] = ended.json["results"]
    return ended.code, results


async def queried(scene: Scene, name: str) -> tuple[Member, str]:
    """A member whose query runs at the vendor while no consumer reads; its command."""
    member = await (await scene.member(name)).ready()
    query = await member.start_query()
    await member.told("NetworkQueryStarted", query)
    return member, query


def hie_status(scene: Scene, member: Member) -> str:
    mine = f"q.subject_id = '{member.subject_id}'"
    tables = "network_query_source s join network_query q using (query_id)"
    return scene.sql(f"select s.status from {tables} where s.source = 'hie' and {mine}").strip()  # noqa: S608 - our words


async def test_webhooks_that_nobody_handled_are_counted_then_handled_and_then_known(
    scene: Scene,
) -> None:
    await scene.vendor.outcome("hie", "completed", seconds=2.0)
    member, query = await queried(scene, "waiting")
    await scene.stop("consumers")
    try:
        await scene.vendor.delivered(member.patient_id, "network-query.hie")
        mine = ("--patient", member.patient_id, "--type", "network-query.hie")
        code, results = await replay(scene, *mine, "--dry-run")
        assert (code, results) == (0, {"new": 1})
        assert hie_status(scene, member) == "processing", "a dry run changes nothing"
        code, results = await replay(scene, *mine)
        assert (code, results) == (0, {"handled": 1})
        assert hie_status(scene, member) == "completed"
        assert await replay(scene, *mine) == (0, {"repeated": 1})
        assert await replay(scene, *mine, "--dry-run") == (0, {"repeated": 1})
    finally:
        await scene.start("consumers")
    await member.told("NetworkQueryFinished", query)
    done = [
        told
        for told in member.distinct()
        if told.type.endswith("NetworkQuerySourceUpdated")
        and (told.content["source"], told.content["status"]) == ("hie", "completed")
    ]
    assert len(done) == 1, "told once, though it was handled by a tool and met by the consumers"


async def test_what_is_not_asked_for_is_left_alone(scene: Scene) -> None:
    member, query = await queried(scene, "chosen")
    await member.told("NetworkQueryFinished", query)
    types = ("network-query.hie", "network-query.pharmacy", "network-query.lab")
    ended = await command(
        scene.deployment,
        *("webhooks", "replay", "--since", "1h", "--patient", member.patient_id, "--json"),
        *(part for kind in types for part in ("--type", kind)),
    )
    assert ended.json["types"] == dict.fromkeys(types, 1)
    assert ended.json["results"] == {"repeated": 3}
    told = await command(
        scene.deployment, "webhooks", "replay", "--since", "1h", "--until", "30m", "--dry-run"
    )
    assert (told.code, told.out) == (0, "would handle: 0 webhooks: none\ntypes: none\n")


async def test_one_that_is_not_authentic_is_refused_and_named_by_its_place(scene: Scene) -> None:
    member, query = await queried(scene, "unsigned")
    await member.told("NetworkQueryFinished", query)
    ended = await command(
        scene.deployment,
        *("webhooks", "replay", "--since", "1h", "--patient", member.patient_id, "--json"),
        more={"METRIPORT_WEBHOOK_KEYS": "of-nobody"},
    )
    assert ended.code == 1
    assert {one["reason"] for one in ended.json["bad"]} == {"not_authentic"}
    assert set(ended.json["results"]) == {"refused"}


async def test_a_time_without_a_zone_is_wrong_usage(scene: Scene) -> None:
    ended = await command(scene.deployment, "webhooks", "replay", "--since", "2026-06-03T10:00")
    assert ended.code == 2
    assert "must name its zone" in ended.err


async def test_the_older_name_of_the_command_still_works(scene: Scene) -> None:
    ended = await command(scene.deployment, "webhook", "status")
    assert ended.out.startswith("URL: ")
