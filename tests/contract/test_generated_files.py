import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.endings import ENDS
from schemas.generate import __main__ as command
from schemas.generate.catalogue import MESSAGES
from schemas.generate.files import FOLDER, documents, drift, write
from schemas.reasons import REMEDIES, Reason

ROOT = FOLDER.parent


def test_the_files_on_disk_are_what_the_code_says() -> None:
    assert drift(FOLDER) == []


def test_writing_makes_every_file_and_leaves_no_drift(tmp_path: Path) -> None:
    write(tmp_path)
    assert drift(tmp_path) == []
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert written == set(documents())


def test_drift_names_what_changed_what_is_gone_and_what_is_left_over(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "asyncapi.json").write_text("{}")
    (tmp_path / "REASONS.md").unlink()
    (tmp_path / "jsonschema" / "Forgotten.json").write_text("{}")
    assert drift(tmp_path) == ["REASONS.md", "asyncapi.json", "jsonschema/Forgotten.json"]


def test_writing_removes_the_schema_of_a_message_that_is_no_more(tmp_path: Path) -> None:
    (tmp_path / "jsonschema").mkdir()
    (tmp_path / "jsonschema" / "Forgotten.json").write_text("{}")
    write(tmp_path)
    assert not (tmp_path / "jsonschema" / "Forgotten.json").exists()


def test_line_ends_count_as_drift(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "REASONS.md"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert drift(tmp_path) == ["REASONS.md"]


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_the_check_does_not_depend_on_the_hash_seed(seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "schemas.generate", "--check"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_check_names_the_file_fails_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main = _main_on(tmp_path, monkeypatch)
    write(tmp_path)
    (tmp_path / "openapi.json").write_text("mine")
    assert main() == 1
    assert "schemas/openapi.json" in capsys.readouterr().err
    assert (tmp_path / "openapi.json").read_text() == "mine"


def _main_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    monkeypatch.setattr(command, "FOLDER", folder)
    monkeypatch.setattr(sys, "argv", ["schemas.generate", "--check"])
    return command.main


def test_every_file_ends_with_one_line_break_and_is_what_its_name_says() -> None:
    for name, text in documents().items():
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        assert not name.endswith(".json") or isinstance(json.loads(text), dict)


def test_every_command_has_its_final_events() -> None:
    commands = {entry.kind for entry in MESSAGES if entry.ce_type.startswith("ias.command.")}
    assert set(ENDS) == commands


def test_every_message_has_an_example() -> None:
    assert [entry.name for entry in MESSAGES if not entry.examples()] == []


def test_every_reason_has_a_remedy_and_a_row() -> None:
    assert set(REMEDIES) == set(Reason)
    table = documents()["REASONS.md"]
    assert all(f"| `{reason}` | {REMEDIES[reason]} |" in table for reason in Reason)
