from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.cloudevents import (
    Attributes,
    Headers,
    NotACloudEventError,
    from_headers,
    to_headers,
)

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1)
EXTENSIONS = st.dictionaries(
    st.sampled_from(["vendorsignature", "sealedfor", "mac", "dataref"]), TEXT, max_size=4
)
MILLISECONDS = st.datetimes(timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
ATTRIBUTES = st.builds(  # with a time always: the library invents one where there is none
    Attributes,
    id=TEXT,
    type=TEXT,
    source=TEXT,
    time=MILLISECONDS,
    subject=st.none() | TEXT,
    extensions=EXTENSIONS,
)
GOOD: Headers = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"one"),
    ("ce_type", b"ias.command.EraseSubject"),
    ("ce_source", b"/tests"),
]


def as_the_library_reads(headers: Headers) -> dict[str, Any]:
    message = kafka.KafkaMessage(headers=dict(headers), key=None, value=b"{}")
    return kafka.from_binary_event(message).get_attributes()


def without_none(**attributes: Any) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def in_the_library_words(attributes: Attributes) -> dict[str, Any]:
    return without_none(
        specversion="1.0",
        id=attributes.id,
        type=attributes.type,
        source=attributes.source,
        time=attributes.time,
        subject=attributes.subject,
        datacontenttype=attributes.content_type,
        **attributes.extensions,
    )


@settings(deadline=None)
@given(attributes=ATTRIBUTES)
def test_the_cloudevents_library_reads_what_we_write(attributes: Attributes) -> None:
    assert as_the_library_reads(to_headers(attributes)) == in_the_library_words(attributes)


@settings(deadline=None)
@given(attributes=ATTRIBUTES)
def test_we_read_what_the_cloudevents_library_writes(attributes: Attributes) -> None:
    event = CloudEvent(in_the_library_words(attributes), data={"any": "thing"})
    written = kafka.to_binary_event(event)
    assert from_headers(list(written.headers.items())) == attributes


@settings(deadline=None)
@given(attributes=ATTRIBUTES, time=st.none() | MILLISECONDS, traceparent=st.none() | TEXT)
def test_we_read_what_we_write(
    attributes: Attributes, time: datetime | None, traceparent: str | None
) -> None:
    traced = msgspec.structs.replace(attributes, time=time, traceparent=traceparent)
    assert from_headers(to_headers(traced)) == traced


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    time = datetime.fromisoformat("2026-03-02T10:00:00.123456+01:00")
    headers = dict(to_headers(Attributes(id="1", type="t", source="/s", time=time)))
    assert headers["ce_time"] == b"2026-03-02T09:00:00.123Z"


@pytest.mark.parametrize("name", [name for name, _ in GOOD])
def test_a_missing_attribute_is_refused_by_name(name: str) -> None:
    with pytest.raises(NotACloudEventError, match=name):
        from_headers([header for header in GOOD if header[0] != name])


@pytest.mark.parametrize(
    "name", [*(name for name, _ in GOOD), "ce_time", "ce_subject", "ce_mac", "content-type"]
)
@pytest.mark.parametrize("empty", [b"", None])
def test_an_empty_attribute_is_refused_by_name(name: str, empty: bytes | None) -> None:
    others = [header for header in GOOD if header[0] != name]
    with pytest.raises(NotACloudEventError, match=name):
        from_headers([*others, (name, empty)])


@pytest.mark.parametrize(
    "name", [*(name for name, _ in GOOD), "ce_subject", "ce_mac", "content-type", "traceparent"]
)
def test_a_repeated_attribute_is_refused_by_name(name: str) -> None:
    others = [header for header in GOOD if header[0] != name]
    with pytest.raises(NotACloudEventError, match=f"{name} occurs twice"):
        from_headers([*others, (name, b"1.0"), (name, b"1.0")])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", b"\xffCANARY"),
        ("ce_specversion", b"0.3CANARY"),
        ("ce_time", b"CANARY"),
        ("ce_time", b"2026-03-02T09:00:00"),  # no offset: whose nine o'clock?
    ],
)
def test_a_malformed_attribute_is_refused_by_name_and_without_its_value(
    name: str, value: bytes
) -> None:
    others = [header for header in GOOD if header[0] != name]
    with pytest.raises(NotACloudEventError, match=name) as caught:
        from_headers([*others, (name, value)])
    assert "CANARY" not in str(caught.value)


def test_headers_of_others_are_no_concern_of_ours() -> None:
    foreign: list[tuple[str, bytes | None]] = [
        ("x-tool", b"\xff\xfe"),
        ("x-tool", None),
        *GOOD,
    ]
    assert from_headers(foreign) == from_headers(GOOD)
