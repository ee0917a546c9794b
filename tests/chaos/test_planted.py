"""Planted bugs apply to the product as it is, and what became of them is known for the same code alone.

They are run and caught by ``make chaos`` (a few) and ``make planted`` (all).
"""

from pathlib import Path

import pytest

from tests.chaos.code import ROOT, Code, digest
from tests.chaos.planted import recording
from tests.chaos.planted.patching import Bug, Edit, PatchError, apply, copy_product
from tests.chaos.planted.run import BUGS, FEW, SCENARIOS


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_still_applies_and_is_python(bug: Bug, tmp_path: Path) -> None:
    copy_product(tmp_path)
    apply(bug.edits, tmp_path)
    for edit in bug.edits:
        compile((tmp_path / edit.path).read_text(encoding="utf-8"), edit.path, "exec")
    assert bug.scenario in SCENARIOS


def test_there_are_bugs_against_every_invariant() -> None:
    assert {bug.breaks for bug in BUGS} == {
        *(f"I{number}" for number in range(1, 10)),
        "records",
    }
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 12
    assert {bug.name for bug in BUGS} > set(FEW)


def test_a_bug_that_does_not_apply_any_more_says_where(tmp_path: Path) -> None:
    copy_product(tmp_path)
    gone = Edit("service/ias/entitlement.py", "    if never_written:\n", "")
    with pytest.raises(PatchError, match=r"entitlement.py holds the text to replace 0 times.*anew"):
        apply([gone], tmp_path)


CODE = Code("abc", is_committed=True, digest="d1")


def test_what_was_caught_is_recorded_bug_by_bug_and_the_latest_run_of_a_bug_counts(
    tmp_path: Path,
) -> None:
    file = tmp_path / "planted.json"
    assert recording.read("d1", file) is None
    recording.write({"one": True, "two": True, "three": False}, CODE, file)
    assert recording.read("d1", file) == (3, 2)
    recording.write({"two": False, "three": True, "four": True}, CODE, file)
    assert recording.read("d1", file) == (4, 3)


def test_what_was_caught_in_other_code_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "planted.json"
    recording.write({"one": True}, CODE, file)
    assert recording.read("d2", file) is None
    recording.write({"two": True}, CODE._replace(digest="d2"), file)
    assert recording.read("d2", file) == (1, 1)
    assert recording.read("d1", file) is None


def test_the_digest_changes_with_the_product_and_with_its_judges(tmp_path: Path) -> None:
    copy_product(tmp_path)
    (tmp_path / "tests").unlink()
    checker = tmp_path / "tests" / "chaos" / "checker"
    checker.mkdir(parents=True)
    (checker / "story.py").write_text("pass\n")
    before = digest(tmp_path)
    (checker / "story.py").write_text("raise\n")
    judged = digest(tmp_path)
    (tmp_path / "service" / "more.py").write_text("pass\n")
    assert len({before, judged, digest(tmp_path)}) == 3
    assert digest(ROOT) == Code.now().digest
