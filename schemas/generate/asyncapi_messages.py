"""The messages of the AsyncAPI document."""

from typing import Any, Final

from ..cloudevents import JSON, MAC, OCTETS, SEALED_FOR, VENDOR_SIGNATURE  # noqa: TID252 - `schemas` is published alone: its imports stay relative
from ..topics import TOPICS, Topic  # noqa: TID252 - as above
from .catalogue import MESSAGES, Entry
from .components import Schema, prose, summary
from .headers import example_headers, headers

COMPONENTS: Final = "components/schemas"

BINDING_VERSION: Final = "0.5.0"
"""Of AsyncAPI's Kafka binding."""

_HEADERS: Final = f"#/{COMPONENTS}/CloudEventHeaders"
_EXAMPLE_ID: Final = "018f5d3c-dddd-7000-8000-000000000001"

_SEALED: Final[Schema] = {
    "type": "string",
    "format": "binary",
    "description": "Sealed bytes (HPKE): only the holder of the key that `ce_sealedfor` names reads them.",
}

_KEYS: Final[dict[str, Schema]] = {
    "patientId": {"type": "string", "description": "Metriport's id of the patient, where known."},
    "requestId": {"type": "string", "format": "uuid", "description": "`requestId` of the value."},
    "subjectId": {"type": "string", "description": "`subjectId` of the value."},
}

_WEBHOOK: Final = "MetriportWebhook"
_WEBHOOK_SEALED: Final = "MetriportWebhookSealed"


def names_on(topic: Topic) -> list[str]:
    """The names of the messages on a topic."""
    if topic is Topic.WEBHOOKS:
        return [_WEBHOOK, _WEBHOOK_SEALED]
    return [entry.name for entry in MESSAGES if entry.topic is topic]


def messages() -> dict[str, dict[str, Any]]:
    """Every message by its name, in alphabetical order."""
    ours = {entry.name: _message(entry) for entry in MESSAGES}
    return dict(sorted({**ours, **_webhooks()}.items()))


def _message(entry: Entry) -> dict[str, Any]:
    sealed = entry.on_wire == "sealed"
    content_type = OCTETS if sealed else JSON
    message: dict[str, Any] = {
        "name": entry.ce_type,
        "title": entry.name,
        "summary": summary(entry.kind),
        "description": prose(entry.kind.__doc__ or ""),
        "contentType": content_type,
        "headers": headers(
            _HEADERS,
            content_type=content_type,
            ce_type=entry.ce_type,
            extensions=(MAC, SEALED_FOR) if sealed else (),
        ),
        "payload": _SEALED if sealed else {"$ref": f"#/{COMPONENTS}/{entry.name}"},
        **_binding(entry.topic),
    }
    if sealed:
        return {**message, "x-opened-payload": f"#/{COMPONENTS}/{entry.name}"}
    return {**message, "examples": [_example(entry, payload) for payload in entry.examples()]}


def _example(entry: Entry, payload: dict[str, Any]) -> dict[str, Any]:
    about = str(payload.get(TOPICS[entry.topic].key, "unknown"))
    return {
        "name": payload.get("kind", entry.name),
        "headers": example_headers(
            ce_type=entry.ce_type, content_type=JSON, ce_id=_EXAMPLE_ID, subject=about
        ),
        "payload": payload,
    }


def _binding(topic: Topic) -> dict[str, Any]:
    key = _KEYS.get(TOPICS[topic].key)
    kafka: dict[str, Any] = {"bindingVersion": BINDING_VERSION}
    if key is not None:
        kafka["key"] = key
    return {"bindings": {"kafka": kafka}}


def _webhooks() -> dict[str, dict[str, Any]]:
    return {
        _WEBHOOK: _webhook(
            "A webhook of Metriport, byte for byte as it was received.",
            JSON,
            (VENDOR_SIGNATURE,),
            {"type": "object", "description": "Metriport's own body: see their documentation."},
        ),
        _WEBHOOK_SEALED: _webhook(
            "A webhook that is not known to be harmless, or names an identity or a session.",
            OCTETS,
            (SEALED_FOR, VENDOR_SIGNATURE),
            _SEALED,
        ),
    }


def _webhook(text: str, content_type: str, extensions: tuple[str, ...], payload: Schema) -> Schema:
    return {
        "title": "Webhook of Metriport",
        "summary": text,
        "description": f"{text} `ce_vendorsignature` covers the opened bytes.",
        "contentType": content_type,
        "headers": headers(
            _HEADERS, content_type=content_type, ce_type=None, extensions=extensions
        ),
        "payload": payload,
        **_binding(Topic.WEBHOOKS),
    }
