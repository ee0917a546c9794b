import json
from typing import Any

import pytest

from schemas.commands import EraseSubject, RegisterPatient, RequestRecords, StartConsolidatedQuery
from schemas.events import CommandRejected
from schemas.metriport.webhooks import HasMeta
from schemas.problems import InvalidMessageError, decode, refuse_hostile_text

from .documents import HERE, load

PERSON = load(HERE / "samples" / "RegisterPatient.v1.json")["data"]
REQUEST = load(HERE / "samples" / "RequestRecords.v1.json")["data"]
REJECTED = load(HERE / "samples" / "CommandRejected.v1.json")["data"]
ERASURE = '{"commandId":"018f5d3c-aaaa-7000-8000-000000000014","subjectId":%s}'


def changed(message: Any, path: str, value: Any) -> bytes:
    """The message with one value changed, or taken away when ``value`` is ``...``."""
    again = json.loads(json.dumps(message))
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    node = again
    for step in steps:
        node = node[step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return json.dumps(again).encode()


def refusal(raw: bytes, kind: type) -> InvalidMessageError:
    with pytest.raises(InvalidMessageError) as caught:
        decode(raw, kind)
    return caught.value


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("purpose", "purpose"),
        ("subjectId", "subjectId"),
        ("demographics.dob", "demographics.dob"),
        ("demographics.address.0.zip", "demographics.address[0].zip"),
    ],
)
def test_a_missing_field_is_named_with_its_path(path: str, named: str) -> None:
    error = refusal(changed(PERSON, path, ...), RegisterPatient)
    assert (error.field, error.message) == (named, "the field is missing")


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("purpose", "research", "purpose"),
        ("commandId", "7", "commandId"),
        ("subjectId", "a\nb", "subjectId"),
        ("subjectId", "ends with a line break\n", "subjectId"),
        ("subjectId", "x" * 256, "subjectId"),
        ("subjectId", "", "subjectId"),
        ("demographics", [], "demographics"),
        ("demographics.dob", "1996-02-30", "demographics.dob"),
        ("demographics.genderAtBirth", "X", "demographics.genderAtBirth"),
        ("demographics.firstName", " ", "demographics.firstName"),
        ("demographics.address", [], "demographics.address"),
        ("demographics.address.0.zip", "9021", "demographics.address[0].zip"),
        ("demographics.address.0.zip", "٩٠٢١٠", "demographics.address[0].zip"),
        ("demographics.address.0.country", "CAN", "demographics.address[0].country"),
        ("demographics.contact.0.email", "nobody", "demographics.contact[0].email"),
        ("metadata", {"": "x"}, "metadata"),
        ("metadata", {"x" * 41: "x"}, "metadata"),
        ("metadata", {"x": 1}, "metadata[...]"),
        ("metadata", {str(number): "x" for number in range(41)}, "metadata"),
        ("demographicsSealed", "not base64!", "demographicsSealed"),
    ],
)
def test_a_wrong_value_is_named_with_its_path(path: str, value: Any, named: str) -> None:
    assert refusal(changed(PERSON, path, value), RegisterPatient).field == named


def test_an_impossible_day_is_called_a_date_and_not_a_choice() -> None:
    error = refusal(changed(PERSON, "demographics.dob", "1996-02-30"), RegisterPatient)
    assert error.message == "Invalid RFC3339 encoded date"


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"text"', b"7"])
def test_what_is_no_object_is_refused_as_a_whole(raw: bytes) -> None:
    assert refusal(raw, EraseSubject).field is None


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b'{"a"', b"\xef\xbb\xbf{}", b"{'a': 1}", b'{"x": NaN}', b"Infinity"],
)
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    assert refusal(raw, EraseSubject).message == "the value is not JSON"


def test_a_second_value_behind_the_first_is_refused() -> None:
    raw = (ERASURE % '"someone"').encode()
    assert refusal(raw + b" {}", EraseSubject).message == "the value is not JSON"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_has_not_are_refused_also_in_fields_nobody_reads(number: str) -> None:
    raw = ERASURE.replace("{", '{"later":' + number + ",", 1) % '"someone"'
    assert refusal(raw.encode(), EraseSubject).message == "the value is not JSON"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'"\\u0000"', "the value holds U+0000"),
        (b'"\x00"', "the value holds U+0000"),
        (b'"\\\\\\u0000"', "the value holds U+0000"),
        (b'"\\ud83d"', "the value holds a lone surrogate"),
        (b'"\\ude00"', "the value holds a lone surrogate"),
        (b'"\\ude00\\ud83d"', "the value holds a lone surrogate"),
        (b'"\\ud83d\\ud83d\\ude00"', "the value holds a lone surrogate"),
        (b'"\\\\ud83d\\ude00"', "the value holds a lone surrogate"),
        (b'"\\uD83D\\u0041"', "the value holds a lone surrogate"),
        (b'"\xff"', "the value is not UTF-8"),
        (b'"\xed\xa0\xbd"', "the value is not UTF-8"),
        (b'"\xc0\x80"', "the value is not UTF-8"),
    ],
)
def test_text_that_a_later_reader_cannot_hold_is_refused(text: bytes, said: str) -> None:
    read = ERASURE.encode() % text
    unread = ERASURE.encode().replace(b"{", b'{"later":' + text + b",", 1) % b'"someone"'
    assert refusal(read, EraseSubject).message == said
    assert refusal(unread, EraseSubject).message == said


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (r"\ud83d\ude00", "😀"),
        (r"\uD83D\uDE00\uD83D\uDE00", "😀😀"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\u0000", r"\u0000"),
        (r"\\\\u0000", r"\\u0000"),
        ("😀", "😀"),
    ],
)
def test_text_that_only_looks_hostile_is_accepted(text: str, meant: str) -> None:
    assert decode((ERASURE % f'"{text}"').encode(), EraseSubject).subject_id == meant


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"x":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"x":["' + b"]" * 100_000 + b'",' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
        b'["]",' * 100_000 + b"1" + b"]" * 100_000,
    ],
)
def test_deep_nesting_is_refused_and_cannot_hide_behind_brackets_in_texts(raw: bytes) -> None:
    assert refusal(raw, HasMeta).message == "the value is nested deeper than 64"


def test_brackets_in_texts_are_no_nesting() -> None:
    refuse_hostile_text(b'{"x": "' + b"[{" * 1000 + b'\\"' + b"[" * 1000 + b'"}')
    refuse_hostile_text(b"[" * 64 + b"]" * 64)


@pytest.mark.parametrize("digits", [25, 4_000, 10_000])
@pytest.mark.parametrize(
    ("message", "path", "kind"),
    [
        (REQUEST, "freshness", RequestRecords),
        (REJECTED, "sequence", CommandRejected),
        (REJECTED, "offset", CommandRejected),
        (PERSON, "purpose", RegisterPatient),
    ],
)
def test_a_number_of_absurd_length_is_refused_by_name(
    message: Any, path: str, kind: type, digits: int
) -> None:
    raw = changed(message, path, "@").replace(b'"@"', b"9" * digits)
    assert refusal(raw, kind).field == path


@pytest.mark.parametrize("value", [1.5, True, "60", -1])
def test_a_number_of_seconds_is_a_whole_number(value: Any) -> None:
    assert refusal(changed(REQUEST, "freshness", value), RequestRecords).field == "freshness"


@pytest.mark.parametrize("value", ["2026-03-02T09:00:00", "2026-03-02", "soon", 1772442000])
def test_a_time_needs_its_offset(value: Any) -> None:
    assert refusal(changed(REQUEST, "deadline", value), RequestRecords).field == "deadline"


def test_a_resource_type_cannot_end_with_a_line_break() -> None:
    query = load(HERE / "samples" / "StartConsolidatedQuery.v1.json")["data"]
    error = refusal(changed(query, "resources.0", "Condition\n"), StartConsolidatedQuery)
    assert error.field == "resources[0]"
