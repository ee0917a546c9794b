"""What was measured stands beside what is to be reached, and what was not measured is not reached."""

import re
from pathlib import Path

import pytest

from tests.soak import report
from tests.soak.goals import CAMPAIGNS, GOALS, Goal, counted, none
from tests.soak.report import NotPublishedError, publish, summary, write
from tests.soak.running import Result, all_kept, last_line, run

FAST = Goal("answers, p99 in s", "storm", "p99_s", "at most", 1.0)
MANY = counted("storm", "deliveries", "deliveries", 150_000)
ONCE = none("storm", "doubled", "effects had twice")
ELSEWHERE = none("cuts", "received_twice", "calls received twice")
README = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"


@pytest.fixture(autouse=True)
def _goals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "GOALS", (FAST, MANY, ONCE, ELSEWHERE))


def result(*, is_committed: bool = True, seed: int = 1, **figures: float) -> Result:
    at = "2026-11-30T12:00+00:00"
    command = "python -m tests.soak.storm"
    return Result(
        "storm", command, "0123456789ab", is_committed, "d1", at, 2.5, 0, {"seed": seed, **figures}
    )


def test_a_goal_is_reached_at_its_number_and_not_beyond() -> None:
    assert FAST.is_reached([{"p99_s": 1.0}])
    assert not FAST.is_reached([{"p99_s": 1.01}])
    assert MANY.is_reached([{"seed": 1, "deliveries": 150_000}])
    assert not MANY.is_reached([{"seed": 1, "deliveries": 149_999}])
    assert ONCE.is_reached([{"doubled": 0}])
    assert not ONCE.is_reached([{"doubled": 1}])
    assert not ONCE.is_reached([{}]), "what nobody measured"
    assert not ONCE.is_reached([])


def test_counts_of_runs_add_up_over_their_seeds_and_of_other_numbers_the_worst_stands() -> None:
    first = {"seed": 1, "deliveries": 90_000, "p99_s": 0.2, "doubled": 0}
    other = {"seed": 2, "deliveries": 80_000, "p99_s": 0.9, "doubled": 1}
    assert MANY.measured([first, other]) == 170_000
    assert MANY.measured([first, first]) == 90_000, "a seed that was run again says nothing new"
    assert FAST.measured([first, other, {}]) == 0.9
    assert ONCE.measured([other, first]) == 1
    points = Goal("named points", "storm", "points", "at least", 40)
    assert points.measured([{"points": 40}, {"points": 38}]) == 38


def test_the_last_line_counts_what_was_reached_and_what_was_measured() -> None:
    said = summary([result(p99_s=0.2, deliveries=9, doubled=0)])
    assert (said["goals"], said["measured"], said["reached"], said["failed"]) == (4, 3, 2, 0)
    broken = result()._replace(exit_code=1)
    assert summary([broken])["failed"] == 1
    assert summary([broken, broken]) == summary([broken]), "campaigns are counted, not runs"


def test_the_report_shows_each_number_and_what_was_run(tmp_path: Path) -> None:
    text = write([result(p99_s=0.2, deliveries=120_000, doubled=0)], tmp_path).read_text()
    assert "| storm | answers, p99 in s | at most 1.0 | 0.2 | yes |" in text
    assert "| storm | deliveries | at least 150,000 | 120,000 | **no** |" in text
    assert "| storm | effects had twice | 0 | 0 | yes |" in text
    assert "| cuts | calls received twice | 0 | not measured | **no** |" in text
    missed = "deliveries: 120,000, at least 150,000"
    assert f"| storm | 2026-11-30 | 2.5 | 2 of 3 | {missed} |" in text
    assert "| cuts | not run |  | 0 of 1 |  |" in text
    assert (
        "| storm | `python -m tests.soak.storm` | `0123456789ab` | 2026-11-30T12:00+00:00 |" in text
    )


def test_the_runs_of_a_campaign_stand_in_one_line_and_each_with_its_command(tmp_path: Path) -> None:
    other = result(seed=2, deliveries=80_000)._replace(at="2026-12-01T01:00+00:00", minutes=4.0)
    text = write([result(deliveries=90_000), other], tmp_path).read_text()
    assert "| storm | deliveries | at least 150,000 | 170,000 | yes |" in text
    assert "| storm | 2026-12-01 | 6.5 | 1 of 3 |" in text
    assert text.count("| storm | `python -m tests.soak.storm` |") == 2


def test_a_run_replaces_those_before_it_unless_it_is_one_more(tmp_path: Path) -> None:
    def runs() -> list[str]:
        return [one.command for one in all_kept(tmp_path)]

    run("storm", ["json.tool", "--help"], tmp_path)
    run("storm", ["zipfile", "--help"], tmp_path, is_more=True)
    assert runs() == ["python -m json.tool --help", "python -m zipfile --help"]
    (tmp_path / "storm.2.png").write_bytes(b"a picture")
    run("storm", ["tarfile", "--help"], tmp_path)
    assert runs() == ["python -m tarfile --help"]
    assert not (tmp_path / "storm.2.png").exists(), "it belongs to a run that no longer stands"


def test_publishing_writes_the_report_and_the_table_of_the_readme(tmp_path: Path) -> None:
    found, root = tmp_path / "found", tmp_path / "root"
    root.mkdir()
    (root / "README.md").write_text(README, encoding="utf-8")
    write([result(doubled=0)], found)
    result(doubled=0).keep(found / "storm.json")
    (found / "storm.md").write_text("![the run](report.png)\n", encoding="utf-8")
    (found / "storm.png").write_bytes(b"a picture")
    published = publish(found, root)
    own = published.with_name("soak-storm.md")
    assert own.read_text(encoding="utf-8") == "![the run](soak-storm.png)\n"
    assert own.with_suffix(".png").read_bytes() == b"a picture"
    assert published.read_text(encoding="utf-8") == (found / "report.md").read_text()
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("before\n")
    assert readme.endswith("after\n")
    assert "| storm | 2026-11-30 | 2.5 | 1 of 3 |" in readme
    assert "old" not in readme


def test_what_ran_on_code_of_no_commit_is_not_published(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    with pytest.raises(NotPublishedError, match="make soak"):
        publish(tmp_path, tmp_path)
    write([], tmp_path)
    result(is_committed=False).keep(tmp_path / "storm.json")
    with pytest.raises(NotPublishedError, match="storm ran on code that is in no commit"):
        publish(tmp_path, tmp_path)


def test_a_last_line_that_is_no_object_has_no_figures() -> None:
    assert last_line('working\n{"campaign": "storm", "doubled": 0}\n') == {
        "campaign": "storm",
        "doubled": 0,
    }
    assert last_line("Traceback\nKeyError: 'x'") == {}
    assert last_line("[1]") == {}
    assert last_line("") == {}


def test_every_goal_has_a_campaign_and_every_campaign_a_goal() -> None:
    assert {goal.campaign for goal in GOALS} == set(CAMPAIGNS)


def test_every_number_has_a_name_that_some_campaign_says() -> None:
    """A misspelt one would stand as "not measured" for ever."""
    tests = Path(__file__).parent.parent
    modules = [*tests.glob("soak/*.py"), *tests.glob("bench/*.py"), *tests.glob("chaos/*.py")]
    own = {"goals.py", Path(__file__).name}
    said = " ".join(one.read_text(encoding="utf-8") for one in modules if one.name not in own)
    words = set(re.findall(r"\w+", said))
    assert {goal.figure for goal in GOALS} <= words
