"""``--json``: what a program reads is one document on stdout, with the same exit code."""

import base64
import json
import uuid
from typing import Any

import pytest

from consumers.main import main
from schemas.topics import Topic
from tests.stack.broker import Broker
from tests.stack.postgres import EmbeddedPostgres
from tests.support.plugin import SERVICE_ROLE
from tests.support.settings import ENCRYPTION_KEY, SEALING_PRIVATE_KEY, SEALING_PUBLIC_KEY


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--json"])
    assert isinstance(ended.value.code, int)
    return ended.value.code, json.loads(capsys.readouterr().out)


def test_topics_that_are_missing_were_created_or_differ(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = f"t{uuid.uuid4().hex[:10]}."
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap_servers)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", prefix)
    names = sorted(f"{prefix}{topic.value}" for topic in Topic)
    one = ("--replication", "1")
    assert document(capsys, "topics", "check", *one) == (1, {"missing": names, "differences": []})
    assert document(capsys, "topics", "apply", *one) == (0, {"created": names})
    assert document(capsys, "topics", "apply", *one) == (0, {"created": []})
    assert document(capsys, "topics", "check", *one) == (0, {"missing": [], "differences": []})
    code, found = document(capsys, "topics", "check", "--replication", "2")
    assert (code, found["missing"]) == (1, [])
    assert found["differences"]


@pytest.mark.parametrize("more", [(), ("--check",)])
def test_rows_under_each_key_whatever_was_told_on_the_way(
    more: tuple[str, ...],
    postgres: EmbeddedPostgres,
    migrated_database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in (
        ("ENCRYPTION_KEYS", ENCRYPTION_KEY),
        ("SEALING_PRIVATE_KEYS", SEALING_PRIVATE_KEY),
        ("SEALING_PUBLIC_KEY", SEALING_PUBLIC_KEY),
    ):
        monkeypatch.setenv(name, base64.b64encode(value).decode())
    monkeypatch.setenv("DATABASE_URL", postgres.dsn(migrated_database, user=SERVICE_ROLE))
    code, found = document(capsys, "reencrypt", *more)
    assert (code, found["done"]) == (0, True)
    assert {one["setting"] for one in found["tables"]} == {
        "ENCRYPTION_KEYS",
        "SEALING_PRIVATE_KEYS",
    }
    for one in found["tables"]:
        assert one.keys() == {"table", "setting", "newest", "rows", "left"}
        assert one["left"] == 0
