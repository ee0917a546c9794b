import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.generate.catalogue import MESSAGES, Entry
from schemas.problems import decode

from . import strategies
from .documents import message_schema, values_of
from .validation import complaints_about_message

NAMES = [entry.name for entry in MESSAGES]


@pytest.mark.parametrize("entry", MESSAGES, ids=NAMES)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_written_is_read_back_and_is_valid_by_its_schema(
    entry: Entry, data: st.DataObject
) -> None:
    value = data.draw(strategies.of(entry.kind))
    raw = msgspec.json.encode(value)
    assert decode(raw, entry.kind) == value
    assert complaints_about_message(entry.name, json.loads(raw)) == []


@pytest.mark.parametrize("entry", MESSAGES, ids=NAMES)
def test_each_schema_is_a_schema_that_its_own_examples_satisfy(entry: Entry) -> None:
    schema = message_schema(entry.name)
    assert schema["examples"]
    for example in schema["examples"]:
        assert complaints_about_message(entry.name, example) == []


@pytest.mark.parametrize("entry", MESSAGES, ids=NAMES)
def test_each_schema_stands_alone(entry: Entry) -> None:
    references = values_of(message_schema(entry.name), "$ref")
    assert all(reference.startswith("#/$defs/") for reference in references)


@pytest.mark.parametrize("entry", MESSAGES, ids=NAMES)
def test_a_schema_demands_what_the_type_demands(entry: Entry) -> None:
    for example in message_schema(entry.name)["examples"]:
        for field in msgspec.structs.fields(entry.kind):
            less = {key: item for key, item in example.items() if key != field.encode_name}
            assert bool(complaints_about_message(entry.name, less)) == field.required, field.name
