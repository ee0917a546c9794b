"""What mutation testing comes to: a mutant that hangs is noticed, and one that does not type-check is none."""

from pathlib import Path

from tests.chaos.code import ROOT
from tests.soak.mutants import copy_tree, figures


def test_the_score_counts_what_fails_and_what_hangs_of_all_that_the_type_checker_lets_pass() -> (
    None
):
    stats = {"total": 300, "killed": 170, "timeout": 10, "survived": 18, "no_tests": 2}
    found = figures(stats, refused=100)
    assert found["score_percent"] == 90.0
    assert (found["mutants"], found["refused_by_type_checker"], found["survived"]) == (200, 100, 18)
    assert figures({**stats, "killed": 169, "survived": 19}, 100)["score_percent"] == 89.5


def test_the_copy_holds_what_git_knows_as_it_stands_now_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.mkdir()
    (target / "left.py").write_text("of an earlier run", encoding="utf-8")
    copy_tree(target)
    assert not (target / "left.py").exists()
    assert not (target / ".venv").exists()
    rules = Path("service") / "ias" / "entitlement.py"
    assert (target / rules).read_bytes() == (ROOT / rules).read_bytes()
