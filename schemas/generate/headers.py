"""CloudEvents attributes as a JSON Schema of Kafka record headers."""

from typing import Final

from ..cloudevents import (  # noqa: TID252 - `schemas` is published alone: its imports stay relative
    MAC,
    SEALED_FOR,
    SPEC_VERSION,
    VENDOR_SIGNATURE,
)
from .components import Schema

TEXT: Final[Schema] = {"type": "string", "minLength": 1}

CLOUD_EVENT: Final[Schema] = {
    "title": "CloudEventHeaders",
    "description": "CloudEvents 1.0 in Kafka's binary content mode: UTF-8 record headers.",
    "type": "object",
    "properties": {
        "ce_specversion": {"const": SPEC_VERSION},
        "ce_id": {
            **TEXT,
            "description": "Unique for the source; a repeated delivery carries the same one.",
        },
        "ce_type": {**TEXT, "description": "Which message the value is."},
        "ce_source": {**TEXT, "format": "uri-reference", "description": "Who wrote the record."},
        "ce_time": {
            "type": "string",
            "format": "date-time",
            "description": "When it happened (RFC 3339).",
        },
        "ce_subject": {**TEXT, "description": "What it is about: the key of the record."},
        "content-type": {**TEXT, "description": "Media type of the value."},
        "content-encoding": {
            "const": "gzip",
            "description": "The value, opened where it is sealed, is packed (large webhooks).",
        },
        "ce_dataref": {
            **TEXT,
            "description": "The body is kept by this service and the value is empty (webhooks that "
            "stay above 8 MiB when packed).",
        },
        "traceparent": {**TEXT, "description": "W3C Trace Context; passed through."},
    },
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source"],
}
"""What every record carries."""

EXTENSIONS: Final[dict[str, Schema]] = {
    MAC: {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "MAC of this service's own processes over the sealed value.",
    },
    SEALED_FOR: {**TEXT, "description": "The value is sealed; the id of the key that opens it."},
    VENDOR_SIGNATURE: {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "Metriport's signature over the opened bytes of the value.",
    },
}
"""Our extension attributes."""


def headers(
    shared: str, *, content_type: str, ce_type: str | None, extensions: tuple[str, ...] = ()
) -> Schema:
    """The headers of one message; ``shared`` is a reference to ``CLOUD_EVENT``."""
    own: Schema = {f"ce_{name}": EXTENSIONS[name] for name in extensions}
    if ce_type is not None:
        own["ce_type"] = {"const": ce_type}
    own["content-type"] = {"const": content_type}
    return {
        "type": "object",
        "allOf": [{"$ref": shared}],
        "properties": own,
        "required": sorted({"ce_type", *(f"ce_{name}" for name in extensions)}),
    }


def example_headers(*, ce_type: str, content_type: str, ce_id: str, subject: str) -> dict[str, str]:
    """Headers for an example without extensions."""
    return {
        "ce_specversion": SPEC_VERSION,
        "ce_id": ce_id,
        "ce_type": ce_type,
        "ce_source": "/example",
        "ce_time": "2026-03-02T09:00:00.000Z",
        "ce_subject": subject,
        "content-type": content_type,
    }
