"""The files of shapes: a line for each new shape, bounded, and nothing without a folder."""

import json
import logging
from pathlib import Path

import pytest

from service.assumed.comparing import Origin
from service.telemetry.shapes import MOST, Shapes, UnreadableShapesError, read_folder, read_lines

SECRET = "pid_0199b0caf4d57e90"


def lines(folder: Path) -> list[str]:
    return [line for path in folder.iterdir() for line in path.read_text().splitlines()]


def test_each_shape_is_written_once_and_without_a_value(tmp_path: Path) -> None:
    """I7."""
    shapes = Shapes(tmp_path, "gateway")
    for number in range(3):
        body = json.dumps({"sessionId": f"{SECRET}{number}", "status": "pending"}).encode()
        shapes.answer("create_identity_session", 200, "application/json; charset=utf-8", body)
    shapes.redirect("aal2", ["aal2SessionId", SECRET])
    written = lines(tmp_path)
    assert len(written) == 2
    assert SECRET not in "".join(written)
    first, second = read_folder(tmp_path)
    assert (first.name, first.status, first.content_type) == (
        "create_identity_session",
        200,
        "application/json",
    )
    assert first.shape == {"$": ("object",), "$.sessionId": ("text",), "$.status": ("term",)}
    assert (second.origin, set(second.shape)) == (Origin.REDIRECT, {"$.*", "$.aal2SessionId"})


def test_nothing_is_written_without_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Shapes(None, "ingress").redirect("aal2", ["status"])
    assert list(tmp_path.iterdir()) == []


def test_a_process_writes_so_many_shapes_and_no_more(tmp_path: Path) -> None:
    shapes = Shapes(tmp_path, "gateway")
    for status in range(MOST + 50):
        shapes.answer("probe_key", status, None, b"{}")
    assert len(lines(tmp_path)) == MOST


def test_a_folder_that_is_not_there_disturbs_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        Shapes(tmp_path / "none", "gateway").answer("probe_key", 200, None, b"{}")
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_refused_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "gateway-1.shapes.jsonl").write_text(f'{{"key": "{SECRET}"}}\n', encoding="utf-8")
    with pytest.raises(UnreadableShapesError, match="line 1 is no shape") as raised:
        list(read_folder(tmp_path))
    assert SECRET not in str(raised.value)


def test_lines_that_are_no_shapes_are_refused_by_their_number_and_not_shown(tmp_path: Path) -> None:
    Shapes(tmp_path, "gateway").answer("probe_key", 200, None, b"{}")
    piped = [*(line.encode() for line in lines(tmp_path)), f"cat: {SECRET}".encode()]
    with pytest.raises(UnreadableShapesError, match="stdin: line 2 is no shape") as raised:
        list(read_lines(piped, "stdin"))
    assert SECRET not in str(raised.value)
