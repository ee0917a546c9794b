"""The typed client: commands to Kafka records, and records of ours to typed messages.

    await producer.send_and_wait(**encode_command(command, source="/my-application"))

    match decode(record.headers, record.value):
        case Received(message=UserActionRequired() as asked): ...

It acts on values only, so any Kafka client will do: ``**record`` fits ``send_and_wait`` of aiokafka and
``produce`` of confluent-kafka. A type, or a word in one of its fields, that a later version of this
contract added is no error but an ``UnknownMessage``: an old reader survives a new event.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Generic, TypedDict, TypeVar

import msgspec

from .base import Command, Count, Event, Message
from .cloudevents import Attributes, Headers, NotACloudEventError, from_headers, to_headers
from .commands import COMMANDS
from .events import EVENTS
from .ids import RequestId, SubjectId
from .links import LINK_TYPE, Link
from .problems import NOT_ALLOWED, InvalidMessageError, decode_part
from .problems import decode as read_json
from .record_requests import RECORD_REQUEST_TYPE, RecordRequest
from .topics import Topic

M_co = TypeVar("M_co", bound=Message, covariant=True)

GivenHeaders = Iterable[tuple[str, bytes | None]] | None
"""Headers as a Kafka client hands them over."""


class RecordError(ValueError):
    """A record cannot be written or read. ``field``: the header or dotted field that is wrong.

    Nothing in it is a value of the record, so it can be logged.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message if field is None else f"{field}: {message}")
        self.message = message
        self.field = field


class Record(TypedDict):
    """What a producer is given, to be spread: ``send_and_wait(**record)``. No value: a tombstone."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers say. ``id`` is the same on every delivery of one message."""

    id: str
    type: str
    time: datetime | None
    traceparent: str | None


class Received(Envelope, Generic[M_co], frozen=True, kw_only=True):
    """A message of a type that this version knows."""

    message: M_co


class UnknownMessage(Envelope, frozen=True, kw_only=True):
    """A message that a later version added, or whose ``field`` has a word that one added.

    ``subject_id`` and ``sequence`` are there where it has them, so that ``Seen`` finds no gap.
    """

    field: str | None = None
    subject_id: SubjectId | None = None
    sequence: int | None = None


class Tombstone(Envelope, frozen=True, kw_only=True):
    """The subject of this record request was erased: forget it."""

    request_id: RequestId


def encode_command(
    command: Command,
    *,
    source: str,
    prefix: str = "",
    time: datetime | None = None,
    traceparent: str | None = None,
) -> Record:
    """The record of a command. ``prefix``: that of the deployment's topics. ``source``: who you are.

    Raises:
        RecordError: the service would refuse it, for this field.
    """
    if not source:
        raise RecordError("a command says who sent it", "source")
    who, kind = command.subject_id, type(command)
    name, number = f"ias.command.{kind.__name__}", str(command.command_id)
    attributes = Attributes(
        id=number, type=name, source=source, time=time, subject=who, traceparent=traceparent or None
    )
    value, headers = msgspec.json.encode(command), to_headers(attributes)
    _checked(value, kind)  # a Struct checks nothing when it is made
    topic = f"{prefix}{Topic.COMMANDS}"
    return Record(topic=topic, key=who.encode(), value=value, headers=headers)


def decode_command(
    headers: GivenHeaders, value: bytes | None
) -> Received[Command] | UnknownMessage:
    """The command that a record holds; see ``decode`` for what is raised."""
    return _decode(_attributes(headers), value, COMMANDS)


def decode_event(headers: GivenHeaders, value: bytes | None) -> Received[Event] | UnknownMessage:
    """The event that a record of ``ias.events.v1`` holds; see ``decode`` for what is raised."""
    return _decode(_attributes(headers), value, EVENTS)


def decode_link(headers: GivenHeaders, value: bytes | None) -> Received[Link] | UnknownMessage:
    """The link that a record of ``ias.links.v1`` holds; see ``decode`` for what is raised."""
    return _decode(_attributes(headers), value, {LINK_TYPE: Link})


def decode_record_request(
    headers: GivenHeaders, value: bytes | None
) -> Received[RecordRequest] | Tombstone | UnknownMessage:
    """The state that a record of ``ias.record-requests.v1`` holds; see ``decode``."""
    attributes = _attributes(headers)
    if value is None and attributes.type == RECORD_REQUEST_TYPE:
        return _tombstone(attributes)
    return _decode(attributes, value, {RECORD_REQUEST_TYPE: RecordRequest})


Told = Received[Event] | Received[Link] | Received[RecordRequest] | Tombstone | UnknownMessage
"""Whatever the service tells on the topics that are for other services."""


def decode(headers: GivenHeaders, value: bytes | None) -> Told:
    """What a record of any of the service's topics holds, by its ``ce_type``.

    Raises:
        RecordError: no CloudEvent, no JSON, or a field that is missing or wrong, named.
    """
    attributes = _attributes(headers)
    if attributes.type == LINK_TYPE:
        return decode_link(headers, value)
    if attributes.type == RECORD_REQUEST_TYPE:
        return decode_record_request(headers, value)
    return decode_event(headers, value)


class _Place(Message, frozen=True, kw_only=True):
    """Where a message that is otherwise not understood stands, if it says so."""

    subject_id: SubjectId | None = None
    sequence: Count | None = None


def _attributes(headers: GivenHeaders) -> Attributes:
    try:
        return from_headers(headers or ())
    except NotACloudEventError as error:
        raise RecordError(str(error).removeprefix(f"{error.header} "), error.header) from None


def _decode(
    attributes: Attributes, value: bytes | None, kinds: Mapping[str, type[M_co]]
) -> Received[M_co] | UnknownMessage:
    kind = kinds.get(attributes.type)
    if kind is None:
        return _unknown(attributes, value)
    if value is None:
        raise RecordError("there is no value")
    try:
        message = read_json(value, kind)
    except InvalidMessageError as error:
        if error.message == NOT_ALLOWED:
            return _unknown(attributes, value, error.field)
        raise RecordError(error.message, error.field) from None
    return Received(**_envelope(attributes), message=message)


def _unknown(
    attributes: Attributes, value: bytes | None, field: str | None = None
) -> UnknownMessage:
    try:
        place = decode_part(value or b"{}", _Place)
    except InvalidMessageError:
        place = _Place()
    return UnknownMessage(
        **_envelope(attributes), field=field, subject_id=place.subject_id, sequence=place.sequence
    )


def _tombstone(attributes: Attributes) -> Tombstone:
    try:
        request_id = msgspec.convert(attributes.subject, RequestId)
    except msgspec.ValidationError:
        raise RecordError("does not name the record request", "ce_subject") from None
    return Tombstone(**_envelope(attributes), request_id=request_id)


def _checked(value: bytes, kind: type[Command]) -> None:
    try:
        read_json(value, kind)
    except InvalidMessageError as error:
        raise RecordError(error.message, error.field) from None


class _Said(TypedDict):
    """The fields of an ``Envelope``."""

    id: str
    type: str
    time: datetime | None
    traceparent: str | None


def _envelope(attributes: Attributes) -> _Said:
    return _Said(
        id=attributes.id,
        type=attributes.type,
        time=attributes.time,
        traceparent=attributes.traceparent,
    )
