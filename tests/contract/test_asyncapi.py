import re
from typing import Any

import pytest

from schemas.generate.catalogue import MESSAGES
from schemas.topics import TOPICS, Topic

from .documents import asyncapi, follow, values_of
from .validation import complaints_about_asyncapi, complaints_by_asyncapi_schema

UNPORTABLE = re.compile(r"\\[AZz]|\(\?[P<!=#]|\\u")
"""What Python, ECMAScript or RE2 would read differently, or not at all."""


@pytest.fixture(name="document")
def _document() -> Any:
    return asyncapi()


def test_the_document_is_valid_by_the_official_schema(document: Any) -> None:
    assert complaints_about_asyncapi(document) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("asyncapi",), "9.9.9"),
        (("operations", "sendLinkPatient", "action"), "shout"),
        (("channels", "ias.events.v1", "bindings", "kafka", "partitions"), 0),
        (("components", "schemas", "LinkPatient", "type"), "thing"),
    ],
)
def test_a_planted_error_is_seen(document: Any, path: tuple[str, ...], value: Any) -> None:
    *steps, last = path
    node = document
    for step in steps:
        node = node[step]
    node[last] = value
    assert complaints_about_asyncapi(document)


def test_every_reference_leads_somewhere(document: Any) -> None:
    assert all(follow(document, reference) for reference in values_of(document, "$ref"))
    assert all(follow(document, target) for target in values_of(document, "x-opened-payload"))


def test_every_operation_names_messages_of_its_channel(document: Any) -> None:
    for operation in document["operations"].values():
        for part in (operation, operation.get("reply", operation)):
            channel = part["channel"]["$ref"]
            assert all(one["$ref"].startswith(f"{channel}/messages/") for one in part["messages"])


@pytest.mark.parametrize("topic", Topic)
def test_every_topic_is_a_channel_set_up_as_the_topic_map_says(document: Any, topic: Topic) -> None:
    spec, kafka = TOPICS[topic], document["channels"][topic]["bindings"]["kafka"]
    assert (kafka["topic"], kafka["partitions"]) == (topic, spec.partitions)
    assert kafka["topicConfiguration"].get("retention.ms") == spec.retention_ms
    assert kafka["topicConfiguration"]["cleanup.policy"] == [spec.cleanup]


def test_the_gateway_is_sent_commands_and_nothing_else(document: Any) -> None:
    for name, operation in document["operations"].items():
        sends = operation["action"] == "send"
        assert sends == (operation["channel"]["$ref"] == "#/channels/ias.commands.v1"), name
        assert not operation["channel"]["$ref"].endswith("callbacks.v1"), name


def test_the_record_key_is_in_the_binding_of_every_keyed_message(document: Any) -> None:
    for entry in MESSAGES:
        kafka = document["components"]["messages"][entry.name]["bindings"]["kafka"]
        assert ("key" in kafka) == (TOPICS[entry.topic].key != "none"), entry.name


def test_the_type_header_is_a_constant_of_the_message(document: Any) -> None:
    for entry in MESSAGES:
        headers = document["components"]["messages"][entry.name]["headers"]
        assert headers["properties"]["ce_type"] == {"const": entry.ce_type}


def test_every_example_is_valid_by_the_schemas_of_its_message(document: Any) -> None:
    for name, message in document["components"]["messages"].items():
        for example in message.get("examples", []):
            for part in ("payload", "headers"):
                schema = {**message[part], "components": document["components"]}
                assert complaints_by_asyncapi_schema(schema, example[part]) == [], name


def test_every_command_event_and_link_has_an_example(document: Any) -> None:
    messages = document["components"]["messages"]
    plain = [entry.name for entry in MESSAGES if entry.on_wire == "json"]
    assert [name for name in plain if not messages[name].get("examples")] == []


def test_what_is_sealed_shows_no_example_and_no_readable_payload(document: Any) -> None:
    sealed = [entry.name for entry in MESSAGES if entry.on_wire == "sealed"]
    for name in [*sealed, "MetriportWebhookSealed"]:
        message = document["components"]["messages"][name]
        assert "examples" not in message
        assert message["payload"]["format"] == "binary"


def test_patterns_are_regular_expressions_in_every_dialect(document: Any) -> None:
    patterns = set(values_of(document, "pattern"))
    assert patterns
    for pattern in patterns:
        re.compile(pattern)
        assert not UNPORTABLE.search(pattern), pattern


def test_descriptions_are_markdown_without_the_indentation_of_docstrings(document: Any) -> None:
    for text in values_of(document, "description"):
        assert "``" not in text
        assert "\n    " not in text
