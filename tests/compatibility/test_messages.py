"""The contract of today takes what could be said then, and is understood by who was there then."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.compatibility.messages import Way, breaks
from tests.compatibility.released import Release, load, notes, problems, today, versions

THEN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "maxLength": 10, "minLength": 1},
        "count": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
        "state": {"$ref": "#/$defs/State"},
        "list": {"type": "array", "items": {"$ref": "#/$defs/Part"}, "maxItems": 3},
        "extra": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["id", "state"],
    "$defs": {
        "State": {"enum": ["open", "done"]},
        "Part": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "more": {"$ref": "#/$defs/Part"}},
            "required": ["name"],
        },
    },
}

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> dict[str, Any]:
    now = copy.deepcopy(THEN)
    change(now)
    return now


def fields(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["properties"]
    return found


BREAKS_WRITERS: list[tuple[Change, str]] = [
    (lambda now: fields(now).pop("extra"), ".extra: is gone"),
    (lambda now: now["required"].append("count"), ".count: is required now"),
    (
        lambda now: (fields(now).update(new={"type": "string"}), now["required"].append("new")),
        ".new: is required now",
    ),
    (lambda now: fields(now)["id"].update(maxLength=9), ".id: maxLength went from 10 to 9"),
    (lambda now: fields(now)["id"].update(minLength=2), ".id: minLength went from 1 to 2"),
    (lambda now: fields(now)["id"].update(pattern="^a"), ".id: pattern went from None to ^a"),
    (lambda now: fields(now)["id"].update(type="integer"), ".id: no longer takes string"),
    (lambda now: fields(now)["count"]["anyOf"].pop(), ".count: no longer takes null"),
    (
        lambda now: now["$defs"]["State"].update(enum=["open"]),
        ".state: no longer takes the value done",
    ),
    (
        lambda now: now["$defs"]["Part"]["properties"]["name"].update(enum=["a"]),
        ".list[].name: takes a closed list of values now",
    ),
    (
        lambda now: now["$defs"]["Part"]["required"].append("more"),
        ".list[].more: is required now",
    ),
    (
        lambda now: fields(now)["extra"].update(additionalProperties={"type": "integer"}),
        ".extra.*: no longer takes string",
    ),
]

BREAKS_READERS: list[tuple[Change, str]] = [
    (lambda now: fields(now).pop("extra"), ".extra: is gone"),
    (lambda now: now["required"].remove("id"), ".id: may be absent now"),
    (
        lambda now: now["$defs"]["State"]["enum"].append("lost"),
        ".state: has the new value lost",
    ),
    (
        lambda now: now["$defs"].update(State={"type": "string"}),
        ".state: is no closed list of values any more",
    ),
    (
        lambda now: fields(now)["count"]["anyOf"].append({"type": "string"}),
        ".count: may now be string",
    ),
    (lambda now: fields(now)["id"].update(maxLength=11), ".id: maxLength went from 10 to 11"),
    (lambda now: fields(now)["id"].pop("maxLength"), ".id: maxLength went from 10 to None"),
    (lambda now: fields(now)["list"].pop("maxItems"), ".list: maxItems went from 3 to None"),
    (
        lambda now: now["$defs"]["Part"].update(required=[]),
        ".list[].name: may be absent now",
    ),
]


@pytest.mark.parametrize(("change", "expected"), BREAKS_WRITERS)
def test_what_others_could_say_and_can_no_more_is_found(change: Change, expected: str) -> None:
    assert breaks(Way.TO_US, THEN, changed(change)) == [expected]


@pytest.mark.parametrize(("change", "expected"), BREAKS_READERS)
def test_what_others_may_now_hear_and_could_not_is_found(change: Change, expected: str) -> None:
    assert breaks(Way.FROM_US, THEN, changed(change)) == [expected]


@pytest.mark.parametrize("way", Way)
def test_what_is_the_same_or_added_breaks_nobody(way: Way) -> None:
    assert breaks(way, THEN, THEN) == []
    added = changed(lambda now: fields(now).update(new={"type": ["string", "null"]}))
    assert breaks(way, THEN, added) == []


def test_to_take_more_breaks_no_writer_and_to_say_less_no_reader() -> None:
    takes = changed(lambda now: now["$defs"]["State"]["enum"].append("lost"))
    assert breaks(Way.TO_US, THEN, takes) == []
    says = changed(lambda now: now["$defs"]["State"].update(enum=["open"]))
    assert breaks(Way.FROM_US, THEN, says) == []


@pytest.mark.parametrize("version", versions())
def test_today_breaks_nobody_who_goes_by_a_release_but_where_they_were_told(version: str) -> None:
    told = notes()
    found = problems(load(version), today())
    assert [line for line in found if line not in told] == []
    assert all(len(note.split()) > 3 for note in told.values())


def _planted(change: Callable[[Release], object]) -> list[str]:
    now = copy.deepcopy(today())
    change(now)
    return problems(load(versions()[-1]), now)


def test_a_break_in_the_real_contract_is_found() -> None:
    """One of each kind, planted: a check that finds nothing would pass, too."""

    def new_required(now: Release) -> None:
        now.messages["ConfirmReturn"].schema["required"].append("deviceId")

    def new_value(now: Release) -> None:
        now.messages["RecordRequestFinished"].schema["$defs"]["RecordResult"]["enum"].append("lost")

    def gone(now: Release) -> None:
        del now.messages["IdentityRevoked"]

    def moved(now: Release) -> None:
        old = now.messages["Link"]
        now.messages["Link"] = old._replace(topic="ias.events.v1")

    def keyed(now: Release) -> None:
        now.keys["ias.events.v1"] = "patientId"

    assert _planted(new_required) == ["ConfirmReturn.deviceId: is required now"]
    assert _planted(new_value) == ["RecordRequestFinished.result: has the new value lost"]
    assert _planted(gone) == ["IdentityRevoked: is gone"]
    assert _planted(moved) == ["Link: has another type or topic"]
    assert _planted(keyed) == ["ias.events.v1: is keyed by another thing, or gone"]
