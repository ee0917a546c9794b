"""The table says what the contract says, and everything printed from it says the same."""

import itertools
import json
import shlex
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from consumers.main import main
from consumers.processes.consumers import TOPICS as HANDLED_TOPICS
from schemas.access import HANDLED, Client
from service.settings.roles import Role
from tests.access.expected import CLIENTS, INSPECTORS, READERS, TOPICS, WRITERS
from tests.deploy.test_schemas import operators_schema

COMMITTED = Path(__file__).parents[2] / "deploy" / "strimzi" / "kafka.yaml"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["topics", *arguments])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_each_topic_is_read_and_written_by_whom_the_contract_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """I7 among others: links go to the one application that shows them."""
    readers, writers = defaultdict(set), defaultdict(set)
    for one in json.loads(printed(capsys, "acls", "--json")):
        client = one["user"].removeprefix("metriport-ias-")
        if one["resource"] == "topic":
            if "Read" in one["operations"]:
                readers[one["name"]].add(client)
            if "Write" in one["operations"]:
                writers[one["name"]].add(client)
    assert readers == READERS
    assert writers == WRITERS


def test_nobody_may_alter_or_delete_and_one_job_alone_may_create(
    capsys: pytest.CaptureFixture[str],
) -> None:
    granted = json.loads(printed(capsys, "acls", "--json"))
    words = {(word, one["user"]) for one in granted for word in one["operations"]}
    assert {word for word, _ in words} == {
        "Read",
        "Write",
        "Create",
        "Describe",
        "DescribeConfigs",
    }
    assert {user for word, user in words if word == "Create"} == {"metriport-ias-topics"}
    inspected = {
        (one["user"].removeprefix("metriport-ias-"), one["name"])
        for one in granted
        if "DescribeConfigs" in one["operations"]
    }
    assert inspected == set(itertools.product(INSPECTORS, TOPICS))
    assert not {one["name"] for one in granted} & {"*", ""}


def test_only_the_consumers_may_join_their_group_and_no_other_group_begins_like_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    groups = [
        (one["user"], one["name"], one["pattern"], one["operations"])
        for one in json.loads(printed(capsys, "acls", "--json"))
        if one["resource"] == "group"
    ]
    literal = {(user, tuple(rights)) for user, _, pattern, rights in groups if pattern == "literal"}
    assert literal == {
        ("metriport-ias-consumers", ("Read",)),
        ("metriport-ias-lag", ("Describe",)),
    }
    for user, name, pattern, _ in groups:
        if pattern == "prefixed":
            assert name == user
            assert not "metriport-ias".startswith(name)


def test_every_role_that_reaches_a_broker_is_a_client_and_the_gateway_is_none() -> None:
    roles = {role.value for role in Role} & {client.value for client in Client}
    assert roles == {"ingress", "consumers", "topics", "audit"}
    assert tuple(client.value for client in Client) == CLIENTS
    assert set(HANDLED) == set(HANDLED_TOPICS)


def test_commands_and_manifests_grant_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    called = set()
    for line in printed(capsys, "acls").splitlines():
        program, *words = shlex.split(line)
        assert program == "kafka-acls.sh"
        given = list(itertools.pairwise(words))
        (user,) = (value for name, value in given if name == "--allow-principal")
        operations = frozenset(value for name, value in given if name == "--operation")
        called |= {
            (user.removeprefix("User:"), name.removeprefix("--"), value, operations)
            for name, value in given
            if name in {"--topic", "--group"}
        }
    made = {
        (
            one["metadata"]["name"],
            acl["resource"]["type"],
            acl["resource"]["name"],
            frozenset(acl["operations"]),
        )
        for one in yaml.safe_load_all(printed(capsys, "strimzi"))
        if one["kind"] == "KafkaUser"
        for acl in one["spec"]["authorization"]["acls"]
    }
    assert called == made


def test_a_prefix_is_on_every_topic_and_on_the_consumers_group(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", "staging.")
    granted = json.loads(printed(capsys, "acls", "--json", "--users", "staging-"))
    names = {one["name"] for one in granted if one["pattern"] == "literal"}
    assert names == {f"staging.{name}" for name in (*TOPICS, "metriport-ias")}
    assert all(one["user"].startswith("staging-") for one in granted)
    topics = yaml.safe_load_all(printed(capsys, "strimzi"))
    named = {one["spec"]["topicName"] for one in topics if one["kind"] == "KafkaTopic"}
    assert named == {f"staging.{name}" for name in TOPICS}


def test_the_committed_manifests_are_what_the_command_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAFKA_TOPIC_PREFIX", raising=False)
    assert COMMITTED.read_text() == printed(capsys, "strimzi"), (
        "deploy/strimzi/kafka.yaml: metriport-ias topics strimzi"
    )


def test_the_manifests_fit_strimzis_own_schemas() -> None:
    kinds = []
    for one in yaml.safe_load_all(COMMITTED.read_text()):
        operators_schema(one["kind"]).validate(one)
        kinds.append(one["kind"])
    assert (kinds.count("KafkaTopic"), kinds.count("KafkaUser")) == (len(TOPICS), len(CLIENTS))


def test_topics_are_kept_and_copied_as_the_contract_says() -> None:
    hour, day = 3_600_000, 86_400_000
    found = {
        one["spec"]["topicName"]: (
            one["spec"]["partitions"],
            one["spec"]["config"]["cleanup.policy"],
            int(one["spec"]["config"].get("retention.ms", 0)),
        )
        for one in yaml.safe_load_all(COMMITTED.read_text())
        if one["kind"] == "KafkaTopic"
    }
    assert found == {
        "metriport.webhooks.v1": (12, "delete", 7 * day),
        "ias.callbacks.v1": (6, "delete", day),
        "ias.commands.v1": (12, "delete", 7 * day),
        "ias.events.v1": (12, "delete", 30 * day),
        "ias.links.v1": (6, "delete", hour),
        "ias.record-requests.v1": (6, "compact", 0),
        "ias.dead-letters.v1": (3, "delete", 90 * day),
    }


def test_three_copies_two_of_them_in_sync_and_nothing_outlives_its_retention_by_much() -> None:
    """A segment that is written to is not deleted: it has to be closed well within the retention."""
    for one in yaml.safe_load_all(COMMITTED.read_text()):
        if one["kind"] == "KafkaTopic":
            config = one["spec"]["config"]
            assert (one["spec"]["replicas"], config["min.insync.replicas"]) == (3, "2")
            if "retention.ms" in config:
                assert int(config["segment.ms"]) <= int(config["retention.ms"]) / 4
