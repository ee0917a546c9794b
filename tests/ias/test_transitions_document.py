"""The printed tables are what the code says, and hold every decision."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.events import NetworkQueryQueued, UserActionRequired
from service.ias import transitions
from service.ias.machine import Effect, Step
from service.ias.network_query_table import QUERY
from service.ias.transitions import FILE, MACHINES, document, main


def test_the_file_on_disk_is_what_the_code_says() -> None:
    assert FILE.read_bytes() == document().encode()


def test_the_check_fails_on_drift_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "TRANSITIONS.md"
    monkeypatch.setattr(transitions, "FILE", mine)
    monkeypatch.setattr("sys.argv", ["transitions", "--check"])
    assert main() == 1
    mine.write_text("mine", encoding="utf-8")
    assert main() == 1
    assert mine.read_text(encoding="utf-8") == "mine"
    assert "TRANSITIONS.md" in capsys.readouterr().err


def test_writing_leaves_no_drift(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transitions, "FILE", tmp_path / "TRANSITIONS.md")
    monkeypatch.setattr("sys.argv", ["transitions"])
    assert main() == 0
    monkeypatch.setattr("sys.argv", ["transitions", "--check"])
    assert main() == 0


def test_every_machine_has_a_diagram_and_every_written_step_a_row() -> None:
    text = document()
    assert text.count("stateDiagram-v2") == len(MACHINES) == 7
    rows = re.findall(r"^\| `\w+` \(\d\) \|", text, re.MULTILINE)
    assert len(rows) == sum(len(steps) for machine in MACHINES for steps in machine.steps.values())


def test_a_row_names_next_state_events_and_effects() -> None:
    assert (
        "| `dispatching` (0) | `unclear` | `unknown` | `NetworkQueryOutcomeUnknown` | none |"
        in document()
    )
    assert "    unknown --> started: accepted, proof_found\n" in document()
    assert "- `unknown`: told as unknown; only proof changes it.\n" in document()
    assert QUERY.name in document()


def test_a_step_that_tells_and_causes_several_things_names_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twice = Step(
        QUERY.start[0],
        "both",
        (NetworkQueryQueued, UserActionRequired),
        (Effect.ASK_AGAIN, Effect.CALL_VENDOR),
    )
    state, cue = next(iter(QUERY.table))
    changed = replace(
        QUERY, steps={state: {cue: twice}}, otherwise=dict.fromkeys(QUERY.rank, "why")
    )
    monkeypatch.setattr(transitions, "MACHINES", (changed,))
    row = next(line for line in document().splitlines() if line.endswith("| both |"))
    assert "| `NetworkQueryQueued`, `UserActionRequired` |" in row
    assert "| ask again later; call the vendor |" in row
