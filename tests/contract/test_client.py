"""The typed client: what it writes is read by the service, by CloudEvents' library, and by itself."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from cloudevents.core.bindings import kafka
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.reading import read_command
from schemas.as_told import encode_event, encode_link, encode_record_request
from schemas.base import Command, Event
from schemas.client import (
    Received,
    Record,
    RecordError,
    Tombstone,
    UnknownMessage,
    decode,
    decode_command,
    decode_event,
    decode_link,
    decode_record_request,
    encode_command,
)
from schemas.cloudevents import from_headers
from schemas.commands import COMMANDS, ConfirmReturn
from schemas.events import EVENTS, Aal2SessionExpired, NetworkQueryRefused
from schemas.ids import CommandId, RequestId, SubjectId
from schemas.links import Link
from schemas.reasons import Reason
from schemas.record_requests import RecordRequest
from schemas.topics import Topic

from . import strategies

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVENT_ID = UUID("018f5d3c-dddd-7000-8000-000000000001")
EXPIRED = Aal2SessionExpired(sequence=7, subject_id=SubjectId("user-42"))

thorough = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
each_command = pytest.mark.parametrize("kind", COMMANDS.values(), ids=lambda kind: kind.__name__)
each_event = pytest.mark.parametrize("kind", EVENTS.values(), ids=lambda kind: kind.__name__)


def as_the_library_reads(record: Record) -> tuple[dict[str, Any], Any]:
    message = kafka.KafkaMessage(dict(record["headers"]), record["key"], record["value"] or b"")
    event = kafka.from_binary_event(message)
    return event.get_attributes(), event.get_data()


def with_value(record: Record, **fields: Any) -> bytes:
    """The record's value with other fields; ``None`` takes one away."""
    changed = json.loads(record["value"] or b"{}") | fields
    return json.dumps({key: value for key, value in changed.items() if value is not None}).encode()


@each_command
@thorough
@given(data=st.data())
def test_the_service_reads_the_command_that_the_client_wrote(
    kind: type[Command], data: st.DataObject
) -> None:
    command = data.draw(strategies.of(kind))
    record = encode_command(command, source="/tests", prefix="eu.", time=NOW)
    assert record["topic"] == f"eu.{Topic.COMMANDS}"
    assert record["key"] == command.subject_id.encode()
    attributes = from_headers(record["headers"])
    assert attributes.id == str(command.command_id)
    assert read_command(record["value"] or b"", attributes).command == command


@each_command
@thorough
@given(data=st.data())
def test_a_command_comes_back_as_it_was_and_the_cloudevents_library_reads_it(
    kind: type[Command], data: st.DataObject
) -> None:
    command = data.draw(strategies.of(kind))
    record = encode_command(command, source="/tests", time=NOW)
    received = decode_command(record["headers"], record["value"])
    assert isinstance(received, Received)
    assert (received.message, received.time) == (command, NOW)
    attributes, content = as_the_library_reads(record)
    assert attributes["type"] == received.type
    assert attributes["subject"] == command.subject_id
    assert content == json.loads(record["value"] or b"")


@each_event
@thorough
@given(data=st.data())
def test_an_event_comes_back_as_it_was(kind: type[Event], data: st.DataObject) -> None:
    event = data.draw(strategies.of(kind))
    record = encode_event(event, event_id=EVENT_ID, time=NOW)
    assert decode_event(record["headers"], record["value"]) == Received(
        id=str(EVENT_ID),
        type=f"ias.event.{kind.__name__}",
        time=NOW,
        traceparent=None,
        message=event,
    )


@thorough
@given(link=strategies.of(Link), state=strategies.of(RecordRequest))
def test_links_and_states_come_back_as_they_were(link: Link, state: RecordRequest) -> None:
    written = encode_link(link, time=NOW)
    read = decode_link(written["headers"], written["value"])
    assert isinstance(read, Received)
    assert (read.message, read.id) == (link, str(link.link_id))
    told = encode_record_request(state, event_id=EVENT_ID, time=NOW)
    again = decode_record_request(told["headers"], told["value"])
    assert isinstance(again, Received)
    assert again.message == state
    assert told["key"] == str(state.request_id).encode()


def test_a_tombstone_names_the_request_that_is_to_be_forgotten() -> None:
    request_id = RequestId(uuid4())
    record = encode_record_request(request_id, event_id=EVENT_ID, time=NOW)
    assert record["value"] is None
    found = decode(record["headers"], record["value"])
    assert isinstance(found, Tombstone)
    assert found.request_id == request_id


def test_a_tombstone_that_names_no_request_is_unreadable() -> None:
    record = encode_record_request(RequestId(uuid4()), event_id=EVENT_ID, time=NOW)
    headers = [(name, value) for name, value in record["headers"] if name != "ce_subject"]
    with pytest.raises(RecordError, match="ce_subject"):
        decode(headers, None)


@thorough
@given(data=st.data())
def test_one_reader_of_several_topics_is_told_which_message_it_is(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([Link, RecordRequest, *EVENTS.values()]))
    message = data.draw(strategies.of(kind))
    match message:
        case Link():
            record = encode_link(message, time=NOW)
        case RecordRequest():
            record = encode_record_request(message, event_id=EVENT_ID, time=NOW)
        case _:
            record = encode_event(message, event_id=EVENT_ID, time=NOW)
    found = decode(record["headers"], record["value"])
    assert isinstance(found, Received)
    assert found.message == message


def test_an_event_of_a_later_version_is_unknown_and_keeps_its_place() -> None:
    record = encode_event(EXPIRED, event_id=EVENT_ID, time=NOW)
    headers = dict(record["headers"]) | {"ce_type": b"ias.event.InventedLater"}
    found = decode(list(headers.items()), record["value"])
    assert isinstance(found, UnknownMessage)
    assert found.type == "ias.event.InventedLater"
    assert (found.subject_id, found.sequence) == ("user-42", 7)


@pytest.mark.parametrize("value", [None, b"\xff\xfe", b"[]", b'{"sequence": "many"}'])
def test_an_unknown_event_may_hold_anything(value: bytes | None) -> None:
    headers = dict(encode_event(EXPIRED, event_id=EVENT_ID, time=NOW)["headers"])
    found = decode(list((headers | {"ce_type": b"ias.event.Later"}).items()), value)
    assert isinstance(found, UnknownMessage)
    assert found.sequence is None


def test_a_word_that_a_later_version_added_is_unknown_and_names_its_field() -> None:
    event = NetworkQueryRefused(
        sequence=3, subject_id=SubjectId("user-42"), reason=Reason.REVOKED, message="…"
    )
    record = encode_event(event, event_id=EVENT_ID, time=NOW)
    found = decode(record["headers"], with_value(record, reason="invented_later"))
    assert isinstance(found, UnknownMessage)
    assert (found.field, found.sequence) == ("reason", 3)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"sequence": "CANARY"}, "sequence"), ({"subjectId": None}, "subjectId")],
)
def test_a_field_that_is_wrong_is_named_without_its_value(
    fields: dict[str, Any], field: str
) -> None:
    record = encode_event(EXPIRED, event_id=EVENT_ID, time=NOW)
    with pytest.raises(RecordError, match=field) as caught:
        decode(record["headers"], with_value(record, **fields))
    assert caught.value.field == field
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("value", [b"CANARY", b"\xffCANARY", b'"CANARY"', b"", None])
def test_what_is_no_message_at_all_is_unreadable_and_tells_no_value(value: bytes | None) -> None:
    record = encode_event(EXPIRED, event_id=EVENT_ID, time=NOW)
    with pytest.raises(RecordError) as caught:
        decode(record["headers"], value)
    assert "CANARY" not in str(caught.value)


@settings(deadline=None)
@given(
    changed=st.dictionaries(
        st.sampled_from(["ce_id", "ce_type", "ce_time", "ce_subject", "ce_specversion", "other"]),
        st.none() | st.binary(max_size=20) | st.sampled_from([b"ias.link.Issued", b"1.0"]),
    ),
    value=st.none() | st.binary(max_size=200),
)
def test_whatever_a_record_holds_a_reader_is_told_or_gets_the_one_error(
    changed: dict[str, bytes | None], value: bytes | None
) -> None:
    headers: dict[str, bytes | None] = dict(
        encode_event(EXPIRED, event_id=EVENT_ID, time=NOW)["headers"]
    )
    try:
        told = decode(list((headers | changed).items()), value)
    except RecordError:
        return
    assert isinstance(told, Received | UnknownMessage | Tombstone)


@pytest.mark.parametrize("headers", [None, [], [("ce_specversion", b"1.0")], [("ce_id", None)]])
def test_headers_that_are_no_cloud_event_are_named(headers: Any) -> None:
    with pytest.raises(RecordError, match="ce_") as caught:
        decode(headers, b"{}")
    assert (caught.value.field or "").startswith("ce_")


def test_what_the_service_would_refuse_is_refused_before_it_is_sent() -> None:
    command = ConfirmReturn(
        command_id=CommandId(uuid4()), subject_id=SubjectId("user-42"), code="CANARY"
    )
    with pytest.raises(RecordError, match="code") as caught:
        encode_command(command, source="/tests")
    assert "CANARY" not in str(caught.value)
    good = msgspec.structs.replace(command, code="x" * 16)
    with pytest.raises(RecordError, match="source"):
        encode_command(good, source="")
