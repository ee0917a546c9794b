"""The audit of dependencies says nothing that it does not know."""

from typing import Any

import pytest

from tests.supply.audit import CLEAN, UNKNOWN, WEAK, judge

FINE = {"name": "one", "version": "1.0", "vulns": []}
BAD = {
    "name": "two",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-0", "fix_versions": ["2.1"]}, {"id": "PYSEC-1", "fix_versions": []}],
}
SKIPPED = {"name": "three", "skip_reason": "not found"}


def report(*dependencies: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(dependencies), "fixes": []}


def test_nothing_known_of_any_package_is_an_all_clear() -> None:
    assert judge(report(FINE), 1) == (
        CLEAN,
        ["no weakness is known of any of the 1 packages"],
    )


def test_every_weakness_is_named_with_what_mends_it() -> None:
    code, lines = judge(report(FINE, BAD), 2)
    assert code == WEAK
    assert lines == [
        "two 2.0: PYSEC-0, mended in 2.1",
        "two 2.0: PYSEC-1, mended in no version yet",
    ]


@pytest.mark.parametrize(
    "found", [report(FINE, SKIPPED), report(FINE), {}, None, report(SKIPPED, SKIPPED)]
)
def test_a_package_that_was_not_looked_up_is_never_an_all_clear(found: Any) -> None:
    code, lines = judge(found, 2)
    assert code == UNKNOWN
    assert lines[-1].endswith("of 2 packages were NOT looked up: this is no all-clear")


def test_a_known_weakness_is_told_also_when_others_were_not_looked_up() -> None:
    code, lines = judge(report(BAD, SKIPPED), 2)
    assert code == UNKNOWN
    assert "two 2.0: PYSEC-0, mended in 2.1" in lines
