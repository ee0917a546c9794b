"""``metriport-ias doctor`` on a whole deployment: it finds what is planted, and changes nothing."""

import re
from typing import Any

import pytest

from tests.processes.command import Ended, command
from tests.processes.scene import Scene
from tests.stack.ports import free_port

pytestmark = pytest.mark.process

UNSAFE_HERE = {
    ("postgres.durability", "fsync=off"),
    ("postgres.durability", "full_page_writes=off"),
}
"""How the local stack's Postgres is set up, for speed."""


def found(ended: Ended, verdict: str) -> set[tuple[str, str]]:
    return {
        (one["check"], one["found"]) for one in ended.json["findings"] if one["verdict"] == verdict
    }


def checks(ended: Ended, verdict: str) -> set[str]:
    return {check for check, _ in found(ended, verdict)}


async def updates(scene: Scene) -> list[Any]:
    """Calls that could change something at the vendor."""
    async with scene.vendor.http.get(f"{scene.vendor.url}/_sandbox/ledger") as answer:
        calls = await answer.json()
    return [call for call in calls if call["operation"] == "update-settings"]


async def test_a_local_deployment_is_in_order_but_for_what_makes_it_fast(scene: Scene) -> None:
    verified = await command(scene.deployment, "webhooks", "verify")
    assert (verified.code, "verified" in verified.out) == (0, True)
    calls_before, queries_before = await updates(scene), await scene.vendor.calls()
    ended = await command(scene.deployment, "doctor", "--json")
    assert ended.code == 1
    assert found(ended, "wrong") == UNSAFE_HERE
    assert checks(ended, "warning") <= {
        "settings.public-url",
        "settings.kafka-transport",
        "kafka.replication",
        "kafka.min-insync",
        "postgres.replication",
        "vendor.deliveries",
        "relay",
    }
    assert {"kafka.reachable", "postgres.schema", "vendor.key", "vendor.ping"} <= checks(
        ended, "ok"
    )
    new = [call for call in await scene.vendor.calls() if call not in queries_before]
    assert {call["method"] for call in new} <= {"GET"}
    assert await updates(scene) == calls_before, "nothing was changed at the vendor"


async def test_each_finding_that_is_not_ok_says_what_to_do(scene: Scene) -> None:
    ended = await command(scene.deployment, "doctor", "--json")
    assert [
        one for one in ended.json["findings"] if one["verdict"] != "ok" and not one["todo"]
    ] == []
    told = await command(scene.deployment, "doctor")
    assert "wrong   postgres.durability: fsync=off\n        → set fsync=on" in told.out
    assert re.fullmatch(r"\d+ ok, \d+ warning, \d+ wrong", told.out.splitlines()[-1])


async def test_a_refused_key_is_found_and_the_other_checks_are_made(scene: Scene) -> None:
    ended = await command(
        scene.deployment, "doctor", "--json", more={"METRIPORT_API_KEY": "another-key"}
    )
    assert ended.code == 1
    assert "vendor.key" in checks(ended, "wrong")
    assert "kafka.reachable" in checks(ended, "ok")


async def test_servers_that_are_away_are_found_side_by_side(scene: Scene) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    more = {
        "KAFKA_BOOTSTRAP_SERVERS": nowhere,
        "DATABASE_URL": f"postgresql://nobody@{nowhere}/none",
        "METRIPORT_API_URL": None,
    }
    ended = await command(scene.deployment, "doctor", "--json", more=more)
    assert ended.code == 1
    assert {"kafka.reachable", "postgres.reachable"} <= checks(ended, "wrong")
    assert "vendor" in checks(ended, "warning"), "not checked, and said so"


async def test_topics_that_are_not_there_are_each_named(scene: Scene) -> None:
    ended = await command(
        scene.deployment, "doctor", "--json", more={"KAFKA_TOPIC_PREFIX": "nobody."}
    )
    missing = [one["about"] for one in ended.json["findings"] if one["check"] == "kafka.topic"]
    assert len(missing) == 7
    assert "ias.dead-letters.v1" in missing


async def test_an_ingress_that_does_not_answer_or_lacks_the_key_fails_the_ping(
    scene: Scene,
) -> None:
    async with scene.restarted("ingress", {"METRIPORT_WEBHOOK_KEYS": "of-nobody"}):
        ended = await command(scene.deployment, "doctor", "--json")
        assert ("vendor.ping", "the ingress refused the signature (401)") in found(ended, "wrong")
    await scene.stop("ingress")
    try:
        ended = await command(scene.deployment, "doctor", "--json")
        assert "vendor.ping" in checks(ended, "wrong")
    finally:
        await scene.start("ingress")


async def test_a_key_of_the_vendors_that_we_do_not_have_is_found(scene: Scene) -> None:
    ended = await command(
        scene.deployment, "doctor", "--json", more={"METRIPORT_WEBHOOK_KEYS": "of-nobody"}
    )
    assert "vendor.webhook-key" in checks(ended, "wrong")


async def test_only_when_asked_the_vendor_pings(scene: Scene) -> None:
    before = len(await updates(scene))
    ended = await command(scene.deployment, "doctor", "--ping", "--json")
    assert "vendor.ping-by-metriport" in checks(ended, "ok")
    assert len(await updates(scene)) == before + 1


async def test_dispatch_that_is_paused_is_found(scene: Scene) -> None:
    assert (await command(scene.deployment, "dispatch", "pause", "--json")).code == 0
    try:
        ended = await command(scene.deployment, "doctor", "--json")
        assert ("dispatch", "no call goes out: paused") in found(ended, "wrong")
    finally:
        assert (await command(scene.deployment, "dispatch", "resume", "--json")).code == 0


async def test_settings_that_a_role_lacks_end_with_2_and_are_named(scene: Scene) -> None:
    more = {"SEALING_PRIVATE_KEYS": None, "AUDIT_SIGNING_KEY": None}
    ended = await command(scene.deployment, "doctor", "--role", "consumers", "--json", more=more)
    assert ended.code == 2
    (missing,) = [one["found"] for one in ended.json["findings"] if one["check"] == "settings"]
    assert {"SEALING_PRIVATE_KEYS", "AUDIT_SIGNING_KEY"} == {
        part.split()[0] for part in missing.split("; ")
    }


async def test_capabilities_are_told_from_what_was_answered_so_far(scene: Scene) -> None:
    member = await (await scene.member("capable")).ready()
    query = await member.start_query()
    await member.told("NetworkQueryFinished", query)
    ended = await command(scene.deployment, "doctor", "--capabilities", "--json")
    fine = checks(ended, "ok")
    assert {
        "capability.medical-api",
        "capability.facility",
        "capability.network-query",
        "capability.ias",
        "capability.allow-list",
        "capability.treatment",
        "capability.error-shapes",
    } <= fine


async def test_an_account_without_ias_is_told_and_works_for_treatment(scene: Scene) -> None:
    """The local deployment allows treatment; its database is left out, so that only the knock tells."""
    fault = {"status": 403, "body": '{"message":"Forbidden"}', "contentType": "application/json"}
    await scene.vendor.fault("create-identity-session", "status", **fault)
    sessions = len((await scene.vendor.state())["identity_sessions"])
    ended = await command(
        scene.deployment,
        *("doctor", "--capabilities", "--knock", "--json"),
        more={"DATABASE_URL": None},
    )
    (ias,) = [one for one in ended.json["findings"] if one["check"] == "capability.ias"]
    assert ias["verdict"] == "warning"
    assert "403" in ias["found"]
    assert "nothing for a treatment-only account" in ias["todo"]
    await scene.vendor.fault("create-identity-session", "status", **fault)
    ended = await command(
        scene.deployment,
        *("doctor", "--capabilities", "--knock", "--json"),
        more={"DATABASE_URL": None, "TREATMENT_ENABLED": "false"},
    )
    assert "capability.ias" in checks(ended, "wrong")
    assert len((await scene.vendor.state())["identity_sessions"]) == sessions, "none was made"


async def test_a_facility_of_nobody_is_found(scene: Scene) -> None:
    ended = await command(
        scene.deployment,
        *("doctor", "--capabilities", "--json"),
        more={"METRIPORT_FACILITY_ID": "0199a001-0000-7d10-8e55-0c1d2e3f4a5b"},
    )
    assert "capability.facility" in checks(ended, "wrong")
