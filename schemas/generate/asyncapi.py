"""``asyncapi.json``: the topics as a service that uses them sees them (AsyncAPI 3.0.0)."""

from typing import Any, Final

from .asyncapi_channels import channels
from .asyncapi_messages import COMPONENTS, messages
from .asyncapi_operations import operations
from .catalogue import MESSAGES
from .components import Schema, components
from .headers import CLOUD_EVENT

_DESCRIPTION: Final = """\
Lets a person's application pull that person's own medical records through Metriport's Individual \
Access Services.

This document takes the point of view of **a service that uses the gateway**: it *sends* commands \
and *receives* events, links and the state of record requests. Two channels are for others: \
webhooks for services that may see health data, dead letters for operators. Callbacks are internal.

- Commands carry `commandId` (yours, unique per subject) and `subjectId`. The same content again acts \
once and is answered again; other content under a used id is rejected.
- Every command ends with one of the events of its operation's reply, or with `CommandRejected`.
- `sequence` on events has no gaps within a subject; deliveries can repeat, with the same `ce_id`.
- Readers must ignore fields, event types and reasons that they do not know. Optional fields are left \
out when they have no value.
- Topic names are given without the deployment's prefix (`KAFKA_TOPIC_PREFIX`).
- `reason` is one of a closed list, explained in `REASONS.md`."""

_SERVERS: Final[dict[str, Any]] = {
    "kafka": {
        "host": "{bootstrapServers}",
        "protocol": "kafka-secure",
        "description": "The deployment's brokers.",
        "variables": {
            "bootstrapServers": {
                "default": "kafka.example.com:9093",
                "description": "host:port, comma-separated.",
            }
        },
    }
}


def asyncapi() -> dict[str, Any]:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "IAS gateway",
            "version": "1.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": _SERVERS,
        "channels": {topic.value: channel for topic, channel in channels().items()},
        "operations": operations(),
        "components": {"messages": messages(), "schemas": _schemas()},
    }


def _schemas() -> dict[str, Schema]:
    of_messages = components([entry.kind for entry in MESSAGES], f"#/{COMPONENTS}/{{name}}")
    return dict(sorted({**of_messages, "CloudEventHeaders": CLOUD_EVENT}.items()))
