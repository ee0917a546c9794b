"""Processes stop when told, start with what they have, and say what they lack."""

import asyncio
import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.local.deployment import ROOT, Deployment
from tests.processes.scene import Scene
from tests.stack.ports import free_port, free_ports
from tests.stack.processes import Supervised

pytestmark = pytest.mark.process

COMMON = {"DATABASE_URL"}
KAFKA = {"KAFKA_BOOTSTRAP_SERVERS"}
WEB = {"PUBLIC_URL", "RETURN_URL_ALLOWLIST", "LINK_KEYS"}
SEALING = {"METRIPORT_WEBHOOK_KEYS", "SEALING_PUBLIC_KEY", "CALLBACK_MAC_KEYS"}
VENDOR = {"METRIPORT_API_URL", "METRIPORT_API_KEY", "METRIPORT_FACILITY_ID"}
NEEDED = {
    "ingress": COMMON | KAFKA | WEB | SEALING,
    "consumers": COMMON
    | KAFKA
    | WEB
    | SEALING
    | {"SEALING_PRIVATE_KEYS", "ENCRYPTION_KEYS", "AUDIT_SIGNING_KEY"},
    "gateway": COMMON | WEB | VENDOR | {"ENCRYPTION_KEYS"},
    "migrate": {"MIGRATION_DATABASE_URL"},
    "topics": KAFKA,
}


def ended(
    role: str, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a role that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "consumers", role, *arguments],
        env={"PATH": "", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


async def test_a_query_asked_for_while_the_gateway_is_away_is_made_when_it_is_back(
    scene: Scene,
) -> None:
    """I3, I4: SIGTERM ends the gateway with 0; what waits in Postgres is not lost."""
    member = await (await scene.member("patient")).ready()
    assert await scene.stop("gateway") == 0
    command = await member.start_query()
    await member.told("NetworkQueryQueued", command)
    assert await scene.vendor.calls("start-network-query", member.patient_id) == []
    await scene.start("gateway")
    await member.told("NetworkQueryFinished", command, status="completed")
    assert len(await scene.vendor.calls("start-network-query", member.patient_id)) == 1


async def test_commands_and_webhooks_wait_for_consumers_that_are_away(scene: Scene) -> None:
    """I1, I6: SIGTERM ends the consumers with 0; what the topics hold is handled later, once."""
    member = await (await scene.member("patient")).ready()
    first = await member.start_query()
    await member.told("NetworkQueryStarted", first)
    assert await scene.stop("consumers") == 0
    second = await member.send(
        "StartIdentityVerification",
        patientId=member.patient_id,
        returnUrl=scene.application.return_url,
    )
    await asyncio.sleep(0.5)
    webhooks = await scene.vendor.webhooks(member.patient_id)
    assert "network-query.lab" in {webhook["type"] for webhook in webhooks}
    assert {webhook["status"] for webhook in webhooks} == {"success"}
    assert "NetworkQueryFinished" not in member.names()

    await scene.start("consumers")
    await member.told("NetworkQueryFinished", first, status="completed")
    await member.step_link(second)
    sequences = [told.content["sequence"] for told in member.distinct()]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_webhooks_wait_at_the_vendor_for_an_ingress_that_is_away(scene: Scene) -> None:
    """I6: SIGTERM ends the ingress with 0; the vendor keeps what it could not deliver."""
    member = await (await scene.member("patient")).ready()
    assert await scene.stop("ingress") == 0
    command = await member.start_query()
    sources = {f"network-query.{name}" for name in ("hie", "pharmacy", "lab")}
    await scene.vendor.failures(member.patient_id, sources)
    await scene.start("ingress")
    await scene.vendor.retry()
    await member.told("NetworkQueryFinished", command, status="completed")


async def test_a_gateway_that_is_told_to_stop_lets_its_call_end_and_be_recorded(
    scene: Scene,
) -> None:
    """I3: a rolling deploy makes no outcome unknown."""
    member = await (await scene.member("patient")).ready()
    await scene.vendor.fault("start-network-query", "delay-answer", seconds=1.0)
    command = await member.start_query()
    await scene.until(
        lambda: scene.count("network_query", member, state="dispatching") == 1,
        "the call is under way",
    )
    assert await scene.stop("gateway") == 0
    await member.told("NetworkQueryFinished", command, status="completed")
    await scene.start("gateway")
    assert "NetworkQueryOutcomeUnknown" not in member.names()


async def test_a_gateway_that_is_killed_in_a_call_never_repeats_it(scene: Scene) -> None:
    """I3: the intent was committed before the call; webhooks that name the query prove it."""
    member = await (await scene.member("patient")).ready()
    await scene.vendor.fault("start-network-query", "delay-answer", seconds=2.0)
    command = await member.start_query()
    deadline = time.monotonic() + 10.0
    while not await scene.vendor.calls("start-network-query", member.patient_id):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert await asyncio.to_thread(scene.deployment.processes["gateway"].kill) == -9
    scene.sql(
        "update vendor_call set lease_until = now() - interval '1 second'"
        " where state = 'dispatching'"
    )
    await scene.start("gateway")
    await member.told("NetworkQueryFinished", command, status="completed")
    await scene.calls_done()
    assert len(await scene.vendor.calls("start-network-query", member.patient_id)) == 1


async def test_consumers_that_are_killed_lose_nothing(scene: Scene) -> None:
    """I1, I5: no commit of offsets, no goodbye to the group; everything comes again and acts once."""
    member = await (await scene.member("patient")).ready()
    command = await member.start_query()
    await member.told("NetworkQueryStarted", command)
    assert await asyncio.to_thread(scene.deployment.processes["consumers"].kill) == -9
    await scene.start("consumers")
    await member.told("NetworkQueryFinished", command, status="completed", within=30.0)
    sequences = [told.content["sequence"] for told in member.distinct()]
    assert sequences == list(range(1, len(sequences) + 1))
    assert len(await scene.vendor.calls("start-network-query", member.patient_id)) == 1


@pytest.mark.parametrize("role", NEEDED)
def test_missing_settings_are_named_all_at_once(role: str) -> None:
    """Section 7: exit code 2, every name, nothing else."""
    result = ended(role, {}, *(["check"] if role == "topics" else []))
    assert result.returncode == 2
    lines = result.stderr.splitlines()
    assert {line.removeprefix("metriport-ias: ").split()[0] for line in lines} == NEEDED[role]
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_wrong_settings_are_named_and_not_echoed() -> None:
    """I7: a key that is none could be another secret; it is not printed."""
    secret = "correct-horse-battery-staple"
    wrong = {
        "ENCRYPTION_KEYS": secret,
        "LINK_KEYS": secret,
        "METRIPORT_API_KEY": secret,
        "DATABASE_URL": f"postgresql://user:{secret}@127.0.0.1/db",
        "METRIPORT_API_URL": f"ftp://user:{secret}@example.com",
        "TREATMENT_ENABLED": secret,
        "METRIPORT_TIMEOUT": secret,
    }
    result = ended("gateway", wrong)
    assert result.returncode == 2
    assert secret not in result.stderr
    for name in wrong.keys() - {"METRIPORT_API_KEY", "DATABASE_URL"} | {"METRIPORT_FACILITY_ID"}:
        assert f"metriport-ias: {name} " in result.stderr


def test_all_roles_in_one_process_name_what_any_of_them_lacks_once() -> None:
    """Section 7, for ``metriport-ias all``."""
    result = ended("all", {})
    assert result.returncode == 2
    names = [line.split()[1] for line in result.stderr.splitlines()]
    assert sorted(names) == sorted(NEEDED["ingress"] | NEEDED["consumers"] | NEEDED["gateway"])


def test_consumers_and_gateway_refuse_a_database_that_was_never_migrated(
    deployment: Deployment,
) -> None:
    """Section 5: exit code 1 and what to do, no traceback."""
    deployment.postgres.create_database("never_migrated")
    for role in ("consumers", "gateway"):
        environment = deployment.environment(role) | {
            "DATABASE_URL": deployment.postgres.dsn("never_migrated"),
            "INTERNAL_PORT": str(free_port()),
            "KAFKA_TOPIC_PREFIX": "never-migrated.",
        }
        result = ended(role, environment)
        assert (role, result.returncode) == (role, 1)
        assert "run `metriport-ias migrate`" in result.stderr
        assert "Traceback" not in result.stderr


@contextmanager
def lonely_ingress(deployment: Deployment, folder: Path, more: dict[str, str]) -> Iterator[int]:
    """An ingress that reaches neither broker nor Postgres; its public port."""
    public, internal, nothing = free_ports(3)
    environment = deployment.environment("ingress") | {
        "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{nothing}/none",
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{nothing}",
        "HTTP_PORT": str(public),
        "INTERNAL_PORT": str(internal),
        **more,
    }
    command = [sys.executable, "-m", "consumers", "ingress"]
    log = folder / "ingress.log"
    with Supervised("ingress", command, env=environment, log_path=log, cwd=ROOT) as process:
        process.wait_ready(f"http://127.0.0.1:{internal}/readyz")
        yield public
        assert process.terminate(15.0) == 0


async def test_the_ingress_is_ready_and_answers_a_ping_without_broker_and_database(
    scene: Scene, tmp_path: Path
) -> None:
    """Section 4: the sender of a ping waits 2 s, whatever the state of Kafka and Postgres."""
    ping = json.dumps(
        {"ping": "abc", "meta": {"messageId": "m", "when": "2026-01-01T00:00:00Z", "type": "ping"}}
    ).encode()
    key = scene.deployment.settings.webhook_key.encode()
    headers = {"x-metriport-signature": hmac.new(key, ping, hashlib.sha256).hexdigest()}
    with lonely_ingress(scene.deployment, tmp_path, {}) as port:
        url = f"http://127.0.0.1:{port}/webhooks/metriport"
        started = time.monotonic()
        async with scene.vendor.http.post(url, data=ping, headers=headers) as answer:
            assert (answer.status, await answer.json()) == (200, {"pong": "abc"})
        assert time.monotonic() - started < 1.0
        async with scene.vendor.http.post(url, data=ping) as answer:
            assert (answer.status, await answer.read()) == (401, b"")


def test_a_role_that_is_given_a_secret_it_must_not_hold_warns(
    deployment: Deployment, tmp_path: Path
) -> None:
    """Section 7: by name, and without the value."""
    secrets = {"METRIPORT_API_KEY": "not-for-the-ingress", "ENCRYPTION_KEYS": "nor-this-one"}
    with lonely_ingress(deployment, tmp_path, secrets):
        pass
    log = (tmp_path / "ingress.log").read_text()
    for name, value in secrets.items():
        assert any(
            "settings.secret_not_needed" in line and name in line for line in log.splitlines()
        )
        assert value not in log
