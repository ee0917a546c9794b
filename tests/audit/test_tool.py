"""``metriport-ias audit``: what it prints, and how it ends."""

import base64
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from consumers.auditing import published, tool
from consumers.auditing.published import UnreadableHeadsError
from consumers.auditing.tool import UnknownSubjectError
from consumers.grammar import parser
from consumers.keys import fresh_keys
from schemas.topics import Topic
from service.crypto.signing import SignatureCheck, Signer
from tests.audit.conftest import Ledger
from tests.audit.past import month, months_ago
from tests.stack.broker import Broker
from tests.stack.postgres import EmbeddedPostgres
from tests.support import people
from tests.support.outbox import told
from tests.support.plugin import SERVICE_ROLE
from tests.support.settings import ENCRYPTION_KEY, kafka

Audit = Callable[..., Awaitable[tuple[int, list[str]]]]


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


@pytest.fixture
def audit(
    ledger: Ledger,
    postgres: EmbeddedPostgres,
    migrated_database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Audit:
    """Runs the command with these arguments: exit code and lines."""
    monkeypatch.setenv("DATABASE_URL", postgres.dsn(migrated_database, user=SERVICE_ROLE))
    monkeypatch.setenv("AUDIT_PUBLIC_KEYS", _text(ledger.signer.public_key))
    monkeypatch.delenv("ENCRYPTION_KEYS", raising=False)

    async def run(*arguments: str) -> tuple[int, list[str]]:
        capsys.readouterr()  # what was logged before
        code = await tool.run(parser().parse_args(["audit", *arguments]))
        return code, capsys.readouterr().out.splitlines()

    return run


async def test_an_untouched_audit_is_in_order(ledger: Ledger, audit: Audit) -> None:
    await ledger.sealed(3)
    assert await audit("verify") == (
        0,
        [
            "entries checked: 3 (numbers 1 to 3); heads and checkpoints matched: 1; heads given: 0",
            "in order",
        ],
    )


async def test_an_empty_audit_is_in_order(audit: Audit) -> None:
    assert await audit("verify") == (0, ["entries checked: none; heads given: 0", "in order"])
    assert await audit("head") == (1, [])


async def test_tampering_ends_with_1_and_is_named_with_its_number(
    ledger: Ledger, audit: Audit
) -> None:
    await ledger.sealed(3)
    await ledger.tamper("delete from audit_chain where number = 2")
    code, lines = await audit("verify")
    assert code == 1
    assert lines[1] == ("broken at number 2: missing: an entry or its link is not there any more")


async def test_a_program_reads_the_same_from_one_document(ledger: Ledger, audit: Audit) -> None:
    await ledger.sealed(3)
    whole = {
        "in_order": True,
        "entries": 3,
        "first": 1,
        "last": 3,
        "heads_matched": 1,
        "heads_skipped": 0,
        "heads_given": 0,
        "never_chained": 0,
        "broken": None,
    }
    code, lines = await audit("verify", "--json")
    assert (code, json.loads("".join(lines))) == (0, whole)
    await ledger.tamper("delete from audit_chain where number = 2")
    code, lines = await audit("verify", "--json")
    found = json.loads("".join(lines))
    assert (code, found["in_order"]) == (1, False)
    assert found["broken"] == {
        "number": 2,
        "kind": "missing",
        "meaning": "an entry or its link is not there any more",
    }


async def test_a_head_that_was_put_aside_finds_that_the_end_was_cut_off(
    ledger: Ledger, audit: Audit, tmp_path: Path
) -> None:
    await ledger.sealed(3)
    _, lines = await audit("head")
    aside = tmp_path / "heads.jsonl"
    aside.write_text("\n".join([*lines, ""]), encoding="utf-8")
    code, checked = await audit("verify", "--heads", str(aside))
    assert (code, checked[1]) == (0, "in order")
    assert checked[0].endswith("matched: 2; heads given: 1")
    for table in ("audit_chain", "audit_head", "audit_entry"):
        await ledger.tamper(f"delete from {table}")  # noqa: S608 - names above
    code, checked = await audit("verify", "--heads", str(aside))
    assert code == 1
    assert checked[1].startswith("broken at number 1: truncated: ")


async def test_the_published_event_is_a_line_of_such_a_file(
    ledger: Ledger, audit: Audit, tmp_path: Path
) -> None:
    await ledger.sealed(2)
    (event,) = await told(ledger.database)
    aside = tmp_path / "heads.jsonl"
    aside.write_text(json.dumps(event.body) + "\n", encoding="utf-8")
    code, checked = await audit("verify", "--heads", str(aside))
    assert (code, checked[1]) == (0, "in order")


@pytest.mark.parametrize("content", [b"{}", b"canary", b'{"number": 1}', b"\xff\n"])
async def test_a_file_of_something_else_is_refused_and_not_shown(
    audit: Audit, tmp_path: Path, content: bytes
) -> None:
    """I7: the wrong file may hold anything."""
    aside = tmp_path / "heads.jsonl"
    aside.write_bytes(b"\n" + content)
    with pytest.raises(UnreadableHeadsError, match="line 2") as raised:
        await audit("verify", "--heads", str(aside))
    assert "canary" not in str(raised.value)


async def test_a_file_that_is_not_there_is_said_to_be_unreadable(
    audit: Audit, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableHeadsError, match="cannot be read"):
        await audit("verify", "--heads", str(tmp_path / "none"))


async def test_heads_are_read_from_kafka_whatever_lies_between_them(
    ledger: Ledger, broker: Broker
) -> None:
    settings = kafka(broker.bootstrap_servers, f"t{uuid.uuid4().hex[:10]}.", 6000)
    topic = f"{settings.topic_prefix}{Topic.EVENTS}"
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 3, 1)])
    await admin.close()
    await ledger.sealed(2)
    (event,) = await told(ledger.database)
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    await producer.start()
    try:
        for kind, value in (
            ("ias.event.PatientRegistered", b"{}"),
            ("ias.event.AuditHeadPublished", json.dumps(event.body).encode()),
            ("ias.event.PatientRegistered", b"{}"),
        ):
            headers = [("ce_type", kind.encode())]
            await producer.send_and_wait(topic, value, b"operators", headers=headers)
    finally:
        await producer.stop()
    (head,) = await published.from_kafka(settings)
    assert head.number == 2
    assert (await ledger.verify(head)).heads_matched == 2


async def test_the_export_is_a_line_for_each_entry_without_any_key(
    ledger: Ledger, audit: Audit
) -> None:
    who = await people.person(ledger.database, "canary-subject")
    code, lines = await audit("export")
    events = [json.loads(line) for line in lines]
    assert code == 0
    assert [event["subtype"][0]["code"] for event in events] == _kinds(events)
    assert sorted(_kinds(events)) == [
        "data_key_created",
        "identity_bound",
        "session_confirmed",
        "session_received",
    ]
    assert "canary-subject" not in "".join(lines)
    assert f"urn:uuid:{who.session_id}" in "".join(lines)
    assert who.proofed not in "".join(lines)


def _kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["subtype"][0]["code"] for event in events]


async def test_one_subjects_entries_are_found_with_the_keys(
    ledger: Ledger, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people.person(ledger.database, "jane", "patient-1")
    await people.person(ledger.database, "victor", "patient-2")
    await ledger.write()
    monkeypatch.setenv("ENCRYPTION_KEYS", _text(ENCRYPTION_KEY))
    code, lines = await audit("export", "--subject", "jane")
    assert (code, len(lines)) == (0, 4)
    assert all('"value":"jane"' in line for line in lines)
    with pytest.raises(UnknownSubjectError):
        await audit("export", "--subject", "nobody")


async def test_the_export_of_some_days_has_only_theirs(ledger: Ledger, audit: Audit) -> None:
    await month(ledger, months_ago(3), 2)
    await ledger.write()
    today = datetime.now(UTC).date()
    assert len((await audit("export"))[1]) == 3
    assert len((await audit("export", "--to", str(months_ago(2))))[1]) == 2
    tomorrow = str(today + timedelta(days=2))
    assert len((await audit("export", "--from", str(months_ago(1)), "--to", tomorrow))[1]) == 1


async def test_months_whose_retention_is_over_are_told_and_can_be_dropped(
    ledger: Ledger, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ago in (6, 5, 4):
        await month(ledger, months_ago(ago), 2)
    await ledger.sealed(1)
    monkeypatch.setenv("AUDIT_RETENTION_MONTHS", "4")
    _, lines = await audit("expired")
    assert lines == [
        f"drop table audit_chain_{months_ago(6):%Y_%m};",
        f"drop table audit_head_{months_ago(6):%Y_%m};",
        f"drop table audit_chain_{months_ago(5):%Y_%m};",
        f"drop table audit_entry_{months_ago(6):%Y_%m};",
        f"drop table audit_head_{months_ago(5):%Y_%m};",
    ]
    for line in lines:
        await ledger.owner.execute(line)
    code, checked = await audit("verify")
    assert (code, checked[1]) == (0, "in order")
    assert "(numbers 5 to 7)" in checked[0]
    assert await audit("expired") == (0, [])


def test_fresh_keys_sign_and_check() -> None:
    keys = dict(line.split("=", 1) for line in fresh_keys())
    signer = Signer(base64.b64decode(keys["AUDIT_SIGNING_KEY"]))
    check = SignatureCheck((base64.b64decode(keys["AUDIT_PUBLIC_KEYS"]),))
    assert check.is_valid(signer.key_id, b"head", signer.sign(b"head"))
    assert not check.is_valid(signer.key_id, b"other", signer.sign(b"head"))
    assert not check.is_valid("00000000", b"head", signer.sign(b"head"))
