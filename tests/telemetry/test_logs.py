"""What a log line may tell (I7), seen from outside: a process of its own logs, we read its stderr."""

import json
import subprocess
import sys
from typing import Any, NoReturn

import pytest

from service.telemetry.logs import describe_error

from .speak import CANARY, CASES, SECRETS, TEXTS

Line = dict[str, Any]


def _spoken(case: str, log_format: str = "json", level: str = "info") -> str:
    command = [sys.executable, "-m", "tests.telemetry.speak", case, log_format, level]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == ""
    return done.stderr


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def _lines(text: str) -> list[Line]:
    return [json.loads(line, parse_constant=_refuse) for line in text.splitlines()]


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("case", CASES)
def test_no_secret_comes_out_whatever_is_logged(case: str, log_format: str) -> None:
    text = _spoken(case, log_format)
    assert text
    assert CANARY not in text
    assert "Traceback" not in text


@pytest.mark.parametrize("case", CASES)
def test_every_line_is_one_json_object_with_event_level_and_time(case: str) -> None:
    for line in _lines(_spoken(case)):
        assert {"event", "level", "timestamp"} <= set(line)
        assert line["timestamp"].endswith("Z")


def test_an_exception_is_told_by_type_and_place() -> None:
    lines = _lines(_spoken("own_exceptions"))
    by_type = {line["error"]: line["at"] for line in lines if "error" in line}
    assert set(by_type) == {"ValueError", "RuntimeError", "KeyError"}
    assert by_type["ValueError"].startswith("telemetry/speak.py:")
    assert by_type["KeyError"].startswith("<string>:1 < telemetry/speak.py:")
    assert len(by_type["ValueError"].split(" < ")) == 2
    assert all(line["count"] == 3 for line in lines if line["level"] == "error" and "count" in line)


def test_an_exception_under_another_name_is_told_by_its_type() -> None:
    warnings = [line for line in _lines(_spoken("own_exceptions")) if line["level"] == "warning"]
    assert [line["problem"] for line in warnings] == ["ValueError", "RuntimeError", "KeyError"]
    assert warnings[0]["problems"] == ["ValueError"]


def test_masked_fields_keep_their_names_and_harmless_ones_their_values() -> None:
    lines = {line["event"]: line for line in _lines(_spoken("own_fields"))}
    assert {lines["speak.fields"][name] for name in SECRETS} == {"…"}
    assert set(TEXTS) <= set(lines["speak.texts"])
    assert lines["speak.texts"]["back"] == "/callbacks/aal2…&status=verified"
    assert lines["speak.texts"]["dsn"] == "…db/ias"
    assert set(lines["speak.nested"]["data"]["headers"].values()) == {"…"}
    assert lines["speak.context"]["message_id"] == "7f6de1ce"


def test_values_come_out_as_json_has_them() -> None:
    first, second = _lines(_spoken("own_values"))
    assert (first["nan"], first["deep"], first["there"]) == ("nan", {"far": "inf"}, [1, 2])
    assert (second["number"], second["yes"], second["no"]) == (10**400, True, None)
    assert second["event"] == "speak.text\nin two lines"


def test_a_librarys_line_keeps_its_template_or_its_place() -> None:
    lines = _lines(_spoken("library"))
    assert {line["logger"] for line in lines} == {"aiohttp.server"}
    events = [line["event"] for line in lines]
    assert events[0] == "Error handling request from %s"
    assert events[1] == "%(what)s"
    assert [event.split(":")[0] for event in events[2:5]] == ["speak"] * 3
    assert events[-1] == "Unhandled exception in %s"
    assert lines[-1]["error"] == "ValueError"


def test_a_task_that_died_unseen_is_told_with_type_and_place() -> None:
    (line,) = _lines(_spoken("task"))
    assert line["event"] == "Task exception was never retrieved"
    assert (line["logger"], line["error"]) == ("asyncio", "ValueError")
    assert "telemetry/speak.py:" in line["at"]


@pytest.mark.parametrize(
    ("level", "heard"),
    [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)],
)
def test_the_level_holds_for_us_and_for_libraries(level: str, heard: int) -> None:
    lines = _lines(_spoken("levels", level=level))
    assert len([line for line in lines if "logger" not in line]) == heard
    assert len([line for line in lines if "logger" in line]) == heard


class DatabaseError(Exception):
    """As asyncpg's: what may be told has names, the text has values."""

    sqlstate = "23505"
    constraint_name = "one_identity_per_subject"
    detail = CANARY


def test_a_database_error_is_told_by_sqlstate_and_constraint() -> None:
    told = describe_error(DatabaseError(f"Key (vendor_id)=({CANARY}) already exists"))
    assert told == {
        "error": "DatabaseError",
        "sqlstate": "23505",
        "constraint_name": "one_identity_per_subject",
    }
