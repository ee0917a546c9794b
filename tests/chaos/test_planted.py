"""Planted bugs apply to the product as it is, and a few of them are run and caught.

All of them: ``make planted``.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.planted.__main__ import BUGS, SCENARIOS, planted
from tests.chaos.planted.patching import Bug, Edit, PatchError, apply, copy_product
from tests.chaos.planted.stage import Servers
from tests.stack.broker import EmbeddedBroker
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres

FEW = ("duplicate commandId acted on twice", "webhook acted on for another patient")


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Servers of its own: scenarios freeze the broker."""
    with Stack() as stack:
        yield stack.start(EmbeddedPostgres()), stack.start(EmbeddedBroker())


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_still_applies_and_is_python(bug: Bug, tmp_path: Path) -> None:
    copy_product(tmp_path)
    apply(bug.edits, tmp_path)
    for edit in bug.edits:
        compile((tmp_path / edit.path).read_text(encoding="utf-8"), edit.path, "exec")
    assert bug.scenario in SCENARIOS


def test_there_are_bugs_against_every_invariant() -> None:
    assert {bug.breaks for bug in BUGS} == {f"I{number}" for number in range(1, 10)}
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 12


def test_a_bug_that_does_not_apply_any_more_says_where(tmp_path: Path) -> None:
    copy_product(tmp_path)
    gone = Edit("service/ias/entitlement.py", "    if never_written:\n", "")
    with pytest.raises(PatchError, match=r"entitlement.py holds the text to replace 0 times.*anew"):
        apply([gone], tmp_path)


@pytest.mark.process
@pytest.mark.alone
@pytest.mark.chaos
@pytest.mark.parametrize("name", FEW)
def test_a_planted_bug_is_caught(name: str, servers: Servers) -> None:
    (bug,) = [one for one in BUGS if one.name == name]
    row = planted(bug, servers)
    assert row.is_right, row.found
