"""The log lines are a contract: what is listed is said, what is said is listed, and nothing else comes out."""

import json
import re
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from consumers import saying
from schemas.topics import Topic
from service.bus.received import Received
from service.store.held import Kind
from tests.local.deployment import ROLES, Deployment
from tests.telemetry.conftest import SUBJECT
from tests.telemetry.log_calls import LISTED, context, listed, spoken

COMMON = {"event", "level", "timestamp"}
OF_POSTGRES = {"sqlstate", "constraint_name"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"  # W3C Trace Context, the example of its section 3.2
RECORD = Received(
    Topic.COMMANDS,
    partition=3,
    offset=7,
    timestamp=0,
    key=b"nobody-says-who",
    value=b"",
    headers=[
        ("ce_id", b"7f6de1ce-0000-4000-8000-000000000000"),
        ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode()),
    ],
)


def test_every_event_that_the_code_logs_is_listed_and_none_that_it_does_not() -> None:
    assert spoken().keys() == listed().keys()
    assert len(listed()) > 90


def test_every_event_has_the_listed_level_and_fields() -> None:
    for name, events in spoken().items():
        assert {one.level for one in events} == {listed()[name].level}, name
        assert frozenset().union(*(one.fields for one in events)) == listed()[name].fields, name


def test_every_event_is_explained_in_a_sentence_and_has_a_dotted_name() -> None:
    text = LISTED.read_text(encoding="utf-8")
    assert len(re.findall(r"^    means: .*\.\"?$", text, re.MULTILINE)) == len(listed())
    assert [name for name in listed() if not re.fullmatch(r"[a-z0-9_]+\.[a-z_]+", name)] == []


def test_no_field_is_named_after_a_person_or_a_secret() -> None:
    """I7."""
    fields = context().union(*(event.fields for event in listed().values()))
    told = re.compile(r"subject|patient|person|token|secret|session|proofed|url|body|key$")
    assert [field for field in fields if told.search(field)] == []


@pytest.mark.process
@pytest.mark.parametrize("role", ROLES)
def test_a_running_process_prints_listed_events_with_listed_fields_and_names_nobody(
    used: Deployment, role: str
) -> None:
    """I7."""
    text = (used.folder / f"{role}.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    ours = [line for line in lines if "logger" not in line]
    assert ours
    for line in ours:
        allowed = listed()[line["event"]].fields | context() | COMMON | OF_POSTGRES
        assert set(line) <= allowed, line["event"]
        assert line["level"] == listed()[line["event"]].level
    assert SUBJECT not in text


@pytest.mark.process
def test_each_message_has_one_line_and_the_command_can_be_followed_to_its_calls(
    used: Deployment,
) -> None:
    handled = [line for line in _lines(used, "consumers") if line["event"] == "message.handled"]
    places = [(line["topic"], line["partition"], line["offset"]) for line in handled]
    assert len(places) == len(set(places)) > 8
    (asked,) = (line for line in handled if line["type"] == "ias.command.RequestRecords")
    assert asked["result"] == "handled"
    assert asked["message"]
    assert asked["command"]
    assert 0 < asked["seconds"] < 30
    recorded = [
        line for line in _lines(used, "gateway") if line["event"] == "gateway.call_recorded"
    ]
    assert {line["outcome"] for line in recorded} == {"accepted"}
    assert all(line["call"] for line in recorded)


def _lines(deployment: Deployment, role: str) -> list[dict[str, Any]]:
    text = (deployment.folder / f"{role}.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_about_a_message_names_it_and_its_flow_and_not_its_subject() -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        saying.bind(RECORD)
        saying.done(Kind("ias.commands.v1", "ias.command.RequestRecords"), "handled", 0.01234)
    structlog.contextvars.clear_contextvars()
    assert lines == [
        {
            "event": "message.handled",
            "log_level": "info",
            "topic": "ias.commands.v1",
            "partition": 3,
            "offset": 7,
            "message": "7f6de1ce-0000-4000-8000-000000000000",
            "flow": TRACE,
            "type": "ias.command.RequestRecords",
            "result": "handled",
            "seconds": 0.0123,
        }
    ]


@pytest.mark.parametrize("made_up", [b"line\nbreak", b"x" * 65, b"{}", b"a b", "é".encode(), b""])
def test_an_id_that_somebody_made_up_is_not_repeated_in_the_log(made_up: bytes) -> None:
    saying.bind(RECORD._replace(headers=[("ce_id", made_up), ("traceparent", made_up)]))
    bound = structlog.contextvars.get_contextvars()
    structlog.contextvars.clear_contextvars()
    assert bound.keys() == {"topic", "partition", "offset"}
