"""What the repository says of a run of chaos is what the run wrote, and nothing else."""

import json
import re
from pathlib import Path

import pytest

from tests.chaos.code import ROOT
from tests.chaos.publish import MEASURED, NotPublishedError, publish, table_of
from tests.chaos.report import BEGIN, END

TABLE = "\nRun of a day.\n\n| fault | lost |\n|---|---|\n| poison | 0 |\n"
REPORT = f"# Chaos\n\n{BEGIN}{TABLE}{END}\n\n![the run](report.png)\n"
README = f"# It\n\nBefore.\n\n{BEGIN}\nold figures\n{END}\n\nAfter.\n"


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """Where a run left its report."""
    folder = tmp_path / "found"
    folder.mkdir()
    (folder / "report.md").write_text(REPORT)
    (folder / "report.png").write_bytes(b"a picture")
    (folder / "report.json").write_text(json.dumps({"is_committed": True, "commit": "abc"}))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "README.md").write_text(README)
    return folder


def test_the_readme_shows_the_table_of_the_committed_report() -> None:
    report = (ROOT / MEASURED / "chaos.md").read_text(encoding="utf-8")
    assert table_of((ROOT / "README.md").read_text(encoding="utf-8")) == table_of(report)
    assert "| fault |" in table_of(report)


def test_the_committed_report_says_when_on_what_commit_and_by_which_command_and_shows_its_picture() -> (
    None
):
    report = (ROOT / MEASURED / "chaos.md").read_text(encoding="utf-8")
    told = table_of(report)
    assert re.search(r"Run of \d\d \w+ \d{4}, \d\d:\d\d UTC: `python -m tests\.chaos [^`]+`", told)
    assert re.search(r"--seed \d+", told)
    assert re.search(r"commit `[0-9a-f]{12}`;", told)
    (picture,) = re.findall(r"!\[the run\]\(([^)]+)\)", report)
    assert (ROOT / MEASURED / picture).read_bytes().startswith(b"\x89PNG")


def test_publishing_writes_report_picture_and_the_table_of_the_readme(
    found: Path, root: Path
) -> None:
    where = publish(found, root)
    assert where == root / MEASURED / "chaos.md"
    assert where.read_text() == REPORT.replace("report.png", "chaos.png")
    assert (root / MEASURED / "chaos.png").read_bytes() == b"a picture"
    readme = (root / "README.md").read_text()
    assert readme == f"# It\n\nBefore.\n\n{BEGIN}{TABLE}{END}\n\nAfter.\n"


def test_a_run_of_code_that_is_in_no_commit_is_not_published(found: Path, root: Path) -> None:
    (found / "report.json").write_text(json.dumps({"is_committed": False, "commit": "abc"}))
    with pytest.raises(NotPublishedError, match="of commit abc with changes"):
        publish(found, root)
    assert (root / "README.md").read_text() == README
    assert not (root / MEASURED).exists()


def test_without_a_report_or_a_place_for_it_nothing_is_written(found: Path, root: Path) -> None:
    (root / "README.md").write_text("# It\n")
    with pytest.raises(NotPublishedError, match=r"README\.md holds <!-- chaos:begin --> 0 times"):
        publish(found, root)
    assert not (root / MEASURED).exists()
    (found / "report.md").unlink()
    with pytest.raises(NotPublishedError, match=r"there is no .*report.md: run `make chaos`"):
        publish(found, root)
