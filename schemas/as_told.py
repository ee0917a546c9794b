"""Records as the service writes them, for the tests of whoever reads them with ``schemas.client``."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from .base import Event
from .client import Record
from .cloudevents import Attributes, to_headers
from .ids import RequestId
from .links import LINK_TYPE, Link
from .record_requests import RECORD_REQUEST_TYPE, RecordRequest
from .topics import Topic

SERVICE: Final = "/metriport-ias"
"""``ce_source`` of everything that the service tells."""


def encode_event(event: Event, *, event_id: UUID, time: datetime, prefix: str = "") -> Record:
    """The record of an event as the service writes it, for tests of whoever reads events."""
    kind = f"ias.event.{type(event).__name__}"
    attributes = _of_service(str(event_id), kind, event.subject_id, time)
    value = msgspec.json.encode(event)
    return _record(prefix, Topic.EVENTS, event.subject_id, value, attributes)


def encode_link(link: Link, *, time: datetime, prefix: str = "") -> Record:
    """The record of a link as the service writes it."""
    attributes = _of_service(str(link.link_id), LINK_TYPE, link.subject_id, time)
    value = msgspec.json.encode(link)
    return _record(prefix, Topic.LINKS, link.subject_id, value, attributes)


def encode_record_request(
    state: RecordRequest | RequestId, *, event_id: UUID, time: datetime, prefix: str = ""
) -> Record:
    """The record of a record request's state; of a request id alone, its tombstone."""
    key = str(state.request_id if isinstance(state, RecordRequest) else state)
    value = msgspec.json.encode(state) if isinstance(state, RecordRequest) else None
    attributes = _of_service(str(event_id), RECORD_REQUEST_TYPE, key, time)
    return _record(prefix, Topic.RECORD_REQUESTS, key, value, attributes)


def _record(
    prefix: str, topic: Topic, key: str, value: bytes | None, attributes: Attributes
) -> Record:
    return Record(
        topic=f"{prefix}{topic}", key=key.encode(), value=value, headers=to_headers(attributes)
    )


def _of_service(event_id: str, kind: str, subject: str, time: datetime) -> Attributes:
    return Attributes(id=event_id, type=kind, source=SERVICE, time=time, subject=subject)
