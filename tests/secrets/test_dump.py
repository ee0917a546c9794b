"""A thief's view after a full retrieval: no secret in the clear, however it is wrapped (I7).

The true values come from the double, the browser and the application, never from the service.
"""

import asyncio
import base64
import gzip
from collections import Counter

import pytest

from schemas.topics import Topic
from tests.processes.scene import Member, Scene
from tests.secrets import haystacks, known
from tests.secrets.known import Named
from tests.secrets.layers import found_in

pytestmark = pytest.mark.process

LINKS = "ias.links.v1"
WEBHOOKS = "metriport.webhooks.v1"
COMMANDS = "ias.commands.v1"
PLANTED = "planted-Rk93_secret"
Where = dict[str, Counter[str]]


async def _whole_flow(scene: Scene, member: Member) -> Named:
    """Everything a person does; a dump between any two steps, while things wait.

    Returns:
        What the browser held at some time.
    """
    member.demographics = known.unmistakable()
    held: Named = {}

    async def look() -> None:
        held.update(known.browser(member))
        secrets = known.keys(scene) | known.person(member.demographics) | held
        assert found_in(await _dumped(scene), secrets) == set()

    await member.registered()
    await look()
    await member.verify_identity(member.patient_id)
    await look()
    back = await member.come_back(member.patient_id)
    await look()
    await member.confirm(back)
    await look()
    await member.query(member.patient_id)
    await look()
    await member.records(await member.request_records(patientId=member.patient_id))
    await scene.calls_done()
    await scene.relayed()
    return held


async def _dumped(scene: Scene) -> bytes:
    return await asyncio.to_thread(haystacks.dump, scene.deployment)


async def _known(scene: Scene, member: Member, held: Named) -> Named:
    """What may be read nowhere at all."""
    return {
        **known.keys(scene),
        **known.data_keys(scene),
        **await known.vendor_secrets(scene),
        **{name: value for name, value in held.items() if value not in _go(scene)},
        "authenticator": member.person.authenticator.encode(),
    }


def _go(scene: Scene) -> set[bytes]:
    return set(known.go_links(scene).values())


async def _where(scene: Scene, secrets: Named) -> Where:
    """On which topics each secret is readable, and in how many records."""
    where: Where = {name: Counter() for name in secrets}
    for topic, records in (await haystacks.topics(scene.deployment)).items():
        for record in records:
            for name in found_in(record, secrets):
                where[name][topic] += 1
    return where


async def test_a_full_retrieval_leaves_no_secret_where_it_does_not_belong(scene: Scene) -> None:
    """I7: database, its files, topics, logs, metrics and command lines."""
    member = await scene.member("secretive")
    held = await _whole_flow(scene, member)
    nowhere = await _known(scene, member, held)
    told = known.person(member.demographics) | known.codes(scene)
    go, data = known.go_links(scene), known.data_links(scene)
    assert (len(go), len(data), len(known.codes(scene))) == (2, 1, 1)
    assert any(name.startswith("cookie") for name in held)
    everything = nowhere | told | go | data

    text = await _dumped(scene)
    assert found_in(text, {"subject": member.subject_id.encode()}) == {"subject"}
    assert found_in(text, everything) == set()
    for table in haystacks.tables(scene):
        assert f".{table} (".encode() in text, table
    for name, content in {
        **haystacks.said(scene.deployment),
        **await haystacks.pages(scene),
    }.items():
        assert (name, found_in(content, everything)) == (name, set())
    for name, content in haystacks.cluster_files(scene.deployment):
        plain = {key for key, secret in everything.items() if secret in content}
        assert (name, plain) == (name, set())

    where = await _where(scene, everything)
    for name in nowhere:
        assert (name, where[name]) == (name, {})
    for name in go:
        assert (name, where[name]) == (name, {LINKS: 1})
    for name in data:
        assert (name, where[name]) == (name, {LINKS: 1, WEBHOOKS: 1})
    for name in told:  # by the application itself, in commands
        assert (name, set(where[name])) == (name, {COMMANDS})


async def test_every_topic_was_searched(scene: Scene) -> None:
    """The broker's own list, not ours, and it holds what the contract names."""
    found = await haystacks.topics(scene.deployment)
    assert set(found) == {topic.value for topic in Topic}


async def test_the_search_finds_what_is_planted(scene: Scene) -> None:
    """Without this, an empty result above would prove nothing."""
    gzipped = gzip.compress(PLANTED.encode()).hex()
    encoded = base64.b64encode(b"x" + PLANTED.encode()).decode()
    tables = {
        "planted_text": f"'{PLANTED}'::text",
        "planted_raw": f"convert_to('{PLANTED}', 'UTF8')",
        "planted_packed": f"decode('{gzipped}', 'hex')",
        "planted_json": f"""'{{"a": "{encoded}"}}'::jsonb""",
    }
    for table, value in tables.items():
        scene.sql(f"create table {table} as select {value} as planted")
    secrets = {"planted": PLANTED.encode()}
    try:
        for table in tables:
            assert table in haystacks.tables(scene)
            assert found_in(await _dumped(scene), secrets) == {"planted"}
            scene.sql(f"drop table {table}")
        assert found_in(await _dumped(scene), secrets) == set()
        files = dict(haystacks.cluster_files(scene.deployment))
        assert any(PLANTED.encode() in content for content in files.values())  # dropped, not gone
    finally:
        scene.sql(f"drop table if exists {', '.join(tables)}")
    kind = f"ias.command.{encoded}"
    await scene.application.send_raw(kind, gzip.compress(PLANTED.encode()), b"planted-by-test")
    await scene.application.send_raw("ias.command.X", b"{}", PLANTED.encode())
    assert (await _where(scene, secrets))["planted"] == {COMMANDS: 2}
