"""The topics as AsyncAPI channels."""

from typing import Any, Final

from ..topics import TOPICS, Topic, TopicSpec  # noqa: TID252 - `schemas` is published alone: its imports stay relative
from .asyncapi_messages import BINDING_VERSION, names_on

_UNKEYED: Final = "none"


def reference(topic: Topic, message: str | None = None) -> dict[str, str]:
    """A reference to a channel, or to a message on it."""
    channel = f"#/channels/{topic.value}"
    return {"$ref": f"{channel}/messages/{message}" if message else channel}


def channels() -> dict[Topic, dict[str, Any]]:
    """Every channel, in the order of the topic map."""
    return {topic: _channel(topic, spec) for topic, spec in TOPICS.items()}


def _channel(topic: Topic, spec: TopicSpec) -> dict[str, Any]:
    return {
        "address": topic.value,
        "title": topic.value,
        "summary": spec.purpose,
        "description": _key(spec),
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in sorted(names_on(topic))
        },
        "bindings": {"kafka": _binding(topic, spec)},
    }


def _key(spec: TopicSpec) -> str:
    if spec.key == _UNKEYED:
        return "Records have no key, and so no order."
    return f"The record key is `{spec.key}`: records of one `{spec.key}` stay in order."


def _binding(topic: Topic, spec: TopicSpec) -> dict[str, Any]:
    configuration: dict[str, Any] = {"cleanup.policy": [spec.cleanup]}
    if spec.retention_ms is not None:
        configuration["retention.ms"] = spec.retention_ms
    return {
        "topic": topic.value,
        "partitions": spec.partitions,
        "topicConfiguration": configuration,
        "bindingVersion": BINDING_VERSION,
    }
