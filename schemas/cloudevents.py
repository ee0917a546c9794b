"""CloudEvents 1.0 in Kafka's binary content mode: attributes are ``ce_`` headers, data the value.

Source: CloudEvents 1.0.2, Kafka Protocol Binding, section 3.2. Our two extension attributes obey its
naming rule (lower-case letters and digits, at most 20 characters).
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from .base import UtcTime

SPEC_VERSION: Final = "1.0"
JSON: Final = "application/json"
OCTETS: Final = "application/octet-stream"

VENDOR_SIGNATURE: Final = "vendorsignature"
"""Extension: Metriport's signature over the opened bytes of a webhook."""

SEALED_FOR: Final = "sealedfor"
"""Extension: the value is sealed; the id of the key that opens it."""

MAC: Final = "mac"
"""Extension: hex MAC of a callback."""

DATAREF: Final = "dataref"
"""Extension of CloudEvents itself: the value is elsewhere, because it is too large for a record."""

_PLAIN: Final = frozenset({"content-type", "content-encoding", "traceparent"})
"""Headers of ours that are no CloudEvents attributes."""

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-(?P<trace_id>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

Headers = list[tuple[str, bytes]]
"""Record headers in the form that Kafka clients take."""


class NotACloudEventError(ValueError):
    """A header is missing or wrong; ``header`` and the message name it, and hold no value."""

    def __init__(self, header: str, problem: str) -> None:
        super().__init__(f"{header} {problem}")
        self.header = header


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes of one event. ``extensions`` holds further ``ce_`` headers."""

    id: str
    type: str
    source: str
    time: datetime | None = None
    subject: str | None = None
    content_type: str = JSON
    content_encoding: str | None = None
    traceparent: str | None = None
    extensions: Mapping[str, str] = msgspec.field(default_factory=dict)


def to_headers(attributes: Attributes) -> Headers:
    """The record headers for these attributes, UTF-8 encoded."""
    pairs: list[tuple[str, str | None]] = [
        ("ce_specversion", SPEC_VERSION),
        ("ce_id", attributes.id),
        ("ce_type", attributes.type),
        ("ce_source", attributes.source),
        ("ce_time", _rfc3339(attributes.time)),
        ("ce_subject", attributes.subject),
        ("content-type", attributes.content_type),
        ("content-encoding", attributes.content_encoding),
        ("traceparent", attributes.traceparent),
        *((f"ce_{name}", value) for name, value in attributes.extensions.items()),
    ]
    return [(name, value.encode()) for name, value in pairs if value is not None]


def well_formed(traceparent: str) -> str | None:
    """The W3C trace context, if it is one: who sends it is not us, and it must make nothing unreadable."""
    return traceparent if _TRACEPARENT.fullmatch(traceparent) else None


def trace_id(traceparent: str | None) -> str | None:
    """Which trace a context belongs to (W3C Trace Context, section 3.2.2.3)."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return None if found is None else found["trace_id"]


def with_extension(attributes: Attributes, name: str, value: str) -> Attributes:
    """The attributes with one more extension."""
    extensions = {**attributes.extensions, name: value}
    return msgspec.structs.replace(attributes, extensions=extensions)


def from_headers(headers: Iterable[tuple[str, bytes | None]]) -> Attributes:
    """Read the attributes of a record.

    Raises:
        NotACloudEventError: a required attribute is missing, or one that is there is empty, repeated,
            not UTF-8 or not of its form. Headers of others (without ``ce_``) are skipped unread.
    """
    found = _decoded(headers)
    if found.pop("ce_specversion", None) != SPEC_VERSION:
        raise NotACloudEventError("ce_specversion", "is not 1.0")
    required = {name: _required(found, f"ce_{name}") for name in ("id", "type", "source")}
    return Attributes(
        **required,
        time=_parse_time(found.pop("ce_time", None)),
        subject=found.pop("ce_subject", None),
        content_type=found.pop("content-type", JSON),
        content_encoding=found.pop("content-encoding", None),
        traceparent=found.pop("traceparent", None),
        extensions={name[3:]: value for name, value in found.items() if name.startswith("ce_")},
    )


def _decoded(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if not name.startswith("ce_") and name not in _PLAIN:
            continue
        if name in found:
            raise NotACloudEventError(name, "occurs twice")
        if not value:
            raise NotACloudEventError(name, "is empty")
        try:
            found[name] = value.decode()
        except UnicodeDecodeError:
            raise NotACloudEventError(name, "is not UTF-8") from None
    return found


def _required(found: dict[str, str], name: str) -> str:
    value = found.pop(name, None)
    if value is None:
        raise NotACloudEventError(name, "is missing")
    return value


def _rfc3339(time: datetime | None) -> str | None:
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parse_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return msgspec.convert(text, UtcTime)
    except msgspec.ValidationError:
        raise NotACloudEventError("ce_time", "is not RFC 3339") from None
