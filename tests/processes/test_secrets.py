"""Invariant I7: no secret in the clear outside memory, but where the design names it."""

import base64
import re
from collections.abc import Mapping

import pytest

from tests.local.settings import API_KEY
from tests.processes.observed import TOPICS, Record, dump, everything_in, logs, read_topic
from tests.processes.scene import Member, Scene

pytestmark = pytest.mark.process


def spellings(secret: str) -> list[str]:
    """The secret as text, as hex (how a dump shows bytes), and as base64 at every alignment."""
    raw = secret.encode()
    found = [secret, raw.hex()]
    for shift in range(3):
        encoded = base64.b64encode(b"\x00" * shift + raw).decode()
        start = (0, 2, 3)[shift]
        found.append(encoded[start : len(encoded) - 4])
    return found


def found_in(text: str, secrets: Mapping[str, str]) -> list[str]:
    """The names of the secrets that the text holds, in whatever spelling."""
    lowered = text.lower()
    return sorted(
        name
        for name, secret in secrets.items()
        if any(part in text for part in spellings(secret)) or secret.lower() in lowered
    )


async def secrets_of(scene: Scene, member: Member) -> dict[str, str]:
    """What nobody else may ever read, by name."""
    state = await scene.vendor.state()
    identities = [
        identity
        for identity in state["identities"].values()
        if identity["patient_id"] == member.patient_id
    ]
    sessions = [
        session
        for session in state["aal2_sessions"].values()
        if session["patient_id"] == member.patient_id
    ]
    keys = {
        name: value
        for name, value in scene.deployment.settings.keys.items()
        if name != "SEALING_PUBLIC_KEY"
    }
    return {
        "proofedIdentityId": identities[0]["id"],
        "aal2SessionId": sessions[0]["id"],
        "API key": API_KEY,
        "webhook key": scene.deployment.settings.webhook_key,
        **keys,
    }


async def links_of(scene: Scene, member: Member) -> dict[str, str]:
    """Bearer links: ours, the vendor's pages, and the data."""
    state = await scene.vendor.state()
    tokens = {
        page["token"]: kind
        for kind in ("identity_sessions", "challenges")
        for page in state[kind].values()
        if page.get("patient_id") == member.patient_id
        or page.get("identity_id")
        in {
            identity["id"]
            for identity in state["identities"].values()
            if identity["patient_id"] == member.patient_id
        }
    }
    assert len(tokens) == 2
    hosted = {f"hosted page {kind}": token for token, kind in tokens.items()}
    mine = [
        link for link in scene.application.links.values() if link["subjectId"] == member.subject_id
    ]
    go = {
        f"/go token {number}": link["url"].rpartition("/")[2]
        for number, link in enumerate(mine)
        if link["kind"] == "hosted_step"
    }
    data = {
        f"data link {number}": link["url"].partition("?")[2]
        for number, link in enumerate(mine)
        if link["kind"] == "consolidated_data"
    }
    assert (len(go), len(data)) == (2, 1)
    return hosted | go | data


def demographics_of(member: Member) -> dict[str, str]:
    """The person in the clear; the date of birth is unlike any other in this database."""
    address = member.demographics["address"][0]
    return {
        "dob": member.demographics["dob"],
        "address": address["addressLine1"],
        "email": member.demographics["contact"][0]["email"],
        "phone": member.demographics["contact"][0]["phone"],
    }


async def full_flow(scene: Scene) -> Member:
    """Everything that a person does."""
    member = await (await scene.member("secretive")).ready()
    await member.query(member.patient_id)
    await member.fetch_record(member.patient_id)
    await scene.calls_done()
    await scene.relayed()
    return member


async def test_no_secret_is_readable_in_the_database_on_topics_or_in_logs(scene: Scene) -> None:
    """I7: ids, keys, links and the person's own words, each where section 3 names it only."""
    member = await full_flow(scene)
    secrets = await secrets_of(scene, member)
    links = await links_of(scene, member)
    person = demographics_of(member)
    told = person | {"return code": await last_code(scene, member)}
    everything = secrets | links | told

    assert found_in(dump(scene.deployment), everything) == []
    for name, text in logs(scene.deployment).items():
        assert (name, found_in(text, everything)) == (name, [])

    where = await places(scene, everything)
    for name in secrets:
        assert where[name] == {}
    for name in links:
        if name.startswith("/go"):
            assert where[name] == {"ias.links.v1": 1}
        elif name.startswith("data"):
            assert where[name] == {"ias.links.v1": 1, "metriport.webhooks.v1": 1}
        else:
            assert where[name] == {}
    for name in told:  # by the application itself
        assert set(where[name]) == {"ias.commands.v1"}


async def last_code(scene: Scene, member: Member) -> str:
    """The one-time code that the member's browser came back with."""
    received = next(told for told in member.events() if told.type.endswith("Aal2SessionReceived"))
    return (await scene.application.returned(received.content["linkId"]))["code"]


async def places(scene: Scene, secrets: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """On which topics each secret is readable, and in how many records."""
    where: dict[str, dict[str, int]] = {name: {} for name in secrets}
    for topic in TOPICS:
        for record in await read_topic(scene.deployment, topic):
            for name in found_in(text_of(record), secrets):
                where[name][topic] = where[name].get(topic, 0) + 1
    return where


def text_of(record: Record) -> str:
    """A record as text, whatever its bytes."""
    return str(everything_in(record).decode("utf-8", "replace"))


async def test_secrets_wait_encrypted_while_the_gateway_is_away(scene: Scene) -> None:
    """I7: what waits in Postgres, waits sealed: demographics, proof, hosted pages, outbox."""
    member = await (await scene.member("waiting")).ready()
    newcomer = await scene.member("newcomer")
    await scene.stop("gateway")
    command = await member.start_query()
    await member.told("NetworkQueryQueued", command)
    await newcomer.send(
        "RegisterPatient", purpose="ias", demographics=newcomer.demographics, externalId="x"
    )
    await scene.until(
        lambda: scene.count("registration", newcomer, state="due") == 1, "the registration waits"
    )
    secrets = await secrets_of(scene, member)
    text = dump(scene.deployment)
    assert found_in(text, secrets | {"dob": newcomer.demographics["dob"]}) == []
    assert found_in(text, {"subject": newcomer.subject_id}) == ["subject"]
    await scene.start("gateway")
    await member.told("NetworkQueryFinished", command)


async def test_log_lines_hold_no_path_or_query_of_a_browser(scene: Scene) -> None:
    """Section 4: access logs hold route templates at most."""
    await full_flow(scene)
    for name, text in logs(scene.deployment).items():
        assert (name, re.findall(r"/go/[\w-]{10,}|aal2SessionId=|[?&]code=", text)) == (name, [])
