"""The report lays what was found to the fault during which it began, and counts what was measured."""

import re
from collections.abc import Sequence
from typing import Any, cast

import pytest

from tests.chaos import figures, report
from tests.chaos.answers import Deliveries
from tests.chaos.canary import Canary
from tests.chaos.checker import Finding, Kind, Verdict
from tests.chaos.code import Code
from tests.chaos.desk import Desk
from tests.chaos.figures import Row, is_whole, rows, summary
from tests.chaos.judging import Judgement
from tests.chaos.planted import recording
from tests.chaos.planted.recording import Recorded
from tests.chaos.probe import Answer, Probe
from tests.chaos.pulse import Beat
from tests.chaos.run import Plan, Result
from tests.chaos.traffic import Traffic
from tests.chaos.world import Happening, World

NOBODY = cast("Any", None)


def happening(name: str, began: float, ended: float, recovery: float | None) -> Happening:
    return Happening(name, began, ended, recovery)


HAPPENINGS = [
    happening("poison", 110.0, 112.0, 1.5),
    happening("kill-gateway", 120.0, 120.1, 0.5),
    happening("vendor-429", 130.0, 135.0, None),
    happening("poison", 150.0, 151.0, 3.5),
]
BEGUN = [105.0, 111.0, 119.9, 120.0, 131.0, 155.0, 161.0]
FOUND = [
    Verdict("I1", 5, [Finding("before", Kind.WRONG, 105.0), Finding("a", Kind.LOST, 119.9)]),
    Verdict("I3", 4, [Finding("b", Kind.DUPLICATE, 120.0), Finding("c", Kind.LOST, 155.0)]),
    Verdict("I7", 3, [Finding("late", Kind.WRONG, 161.0), Finding("no moment", Kind.WRONG)]),
    Verdict("records", 2, []),
]


def result(verdicts: Sequence[Verdict] = FOUND) -> Result:
    """A run that never happened: it began at 100, and nothing was broken any more from 160 on."""
    probe = Probe("", "", answers=[Answer(101.0, 200, 0.2, "m1")])
    canary = Canary(NOBODY, probe, lambda: None)
    world = World(NOBODY, Desk("", "", ""), NOBODY, Traffic(NOBODY, NOBODY), probe, canary, 0)
    world.happenings = HAPPENINGS
    world.kills = 1
    plan = Plan(seed=7, minutes=1.0, storm=10)
    code = Code("0123456789ab", is_committed=True, digest="d1")
    made = Result(plan, code, world, 100.0, quiet_from=160.0, ended=190.0)
    made.judgement = Judgement(verdicts, BEGUN)
    made.deliveries = Deliveries(3, 0.7, 0)
    return made


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four bugs were planted in the very code, and one was missed."""
    known = {"d1": Recorded(4, 3)}
    monkeypatch.setattr(recording, "read", known.get)


def cells(row: Row) -> list[Any]:
    return [row.times, row.median, row.longest, row.never, row.share.begun, dict(row.share.found)]


def test_each_fault_has_its_recovery_and_what_began_from_its_beginning_to_the_next_one_s() -> None:
    found = {row.name: cells(row) for row in rows(result())}
    assert found == {
        "poison": [2, 2.5, 3.5, 0, 3, {Kind.LOST: 2}],
        "kill-gateway": [1, 0.5, 0.5, 0, 1, {Kind.DUPLICATE: 1}],
        "vendor-429": [1, None, None, 1, 1, {}],
    }


def test_what_began_around_the_faults_or_at_no_moment_stands_beside_them() -> None:
    around = figures.shares(result()).around
    assert {name: (one.begun, dict(one.found)) for name, one in around.items()} == {
        "before the first fault": (1, {Kind.WRONG: 1}),
        "while settling": (1, {Kind.WRONG: 1}),
        "at the end": (0, {Kind.WRONG: 1}),
    }


def test_the_last_line_has_the_figures_of_each_fault_and_their_sum() -> None:
    said = summary(result())
    assert (said["lost"], said["wrong"], said["duplicate_effects"]) == (2, 3, 1)
    assert (said["not_recovered"], said["checked"], said["record_requests"]) == (1, 14, 2)
    assert (said["planted_bugs"], said["planted_bugs_caught"]) == (4, 3)
    assert said["longest_answer_s"] == 0.7
    assert said["by_fault"]["poison"] == {
        "times": 2,
        "median_s": 2.5,
        "max_s": 3.5,
        "not_well": 0,
        "lost": 2,
        "wrong": 0,
        "duplicate": 0,
    }


def test_without_a_planted_bug_there_is_no_figure_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "read", lambda _: None)
    said = summary(result())
    assert (said["planted_bugs"], said["planted_bugs_caught"]) == (None, None)


def test_a_run_is_whole_when_nothing_broke_and_no_planted_bug_was_missed() -> None:
    names = ("lost", "wrong", "duplicate_effects", "not_recovered", "stalled", "died", "left")
    good = dict.fromkeys(names, 0) | {"planted_bugs": 4, "planted_bugs_caught": 4}
    assert is_whole(good)
    assert is_whole(good | {"planted_bugs": None, "planted_bugs_caught": None})
    assert not is_whole(good | {"planted_bugs_caught": 3})
    assert not any(is_whole(good | {name: 1}) for name in names)


def test_the_report_shows_each_fault_each_act_and_where_findings_began(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    report.write(result(), "python -m tests.chaos --seed 7")
    text = (tmp_path / "report.md").read_text()
    told, _, whole = text.partition(report.END)
    assert "`python -m tests.chaos --seed 7`, commit `0123456789ab`; " in told
    assert "| poison | 2 | 2.5 | 3.5 | 3 | 2 | 0 | 0 |" in told
    assert "| SIGKILL of a process at any moment | 1 | 0.5 | 0.5 | 1 | 0 | 0 | 1 |" in told
    assert "| vendor-429 | 1 | not well | not well | 1 | 0 | 0 | 0 |" in told
    assert "| at the end |  |  |  | 0 | 0 | 1 | 0 |" in told
    assert "| **all** | **4** |  |  | **7** | **2** | **3** | **1** |" in told
    assert (
        "14 cases checked: 2 lost, 3 wrong, 1 twice. Faults not got over: 1; people stalled: 0; "
        in told
    )
    assert "Bugs planted in this code: 4, caught: 3." in told
    assert "| kill-gateway | 1 | 0.5 | 0.5 | 1 | 0 | 0 | 1 |" in whole
    assert re.search(
        r"\| 3 \| 30 \| vendor-429 \|  \| 5\.0 \| not well \| 1 \| 0 \| 0 \| 0 \|", whole
    )
    assert "- I1, lost, began at 20 s: a" in whole
    assert "- I7, wrong, began at no moment: no moment" in whole
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_in_lanes_says_how_often_how_soon_and_over_how_many_messages() -> None:
    """Named points at which no process ended are not counted; a broker is whatever is done to one."""
    made = result()
    made.plan = Plan(seed=7, minutes=1.0, storm=10, together="all")
    made.world.desk.told_at = [101.0, 102.0]
    made.world.storm_answers = [Answer(101.0, 200, 0.2)] * 5
    made.world.happenings = [
        happening("crash-relay-commit.after", 110.0, 111.0, 1.0),
        Happening("crash-vendor-call.after", 111.0, 112.0, 1.0, "gateway, hit 2: not reached"),
        Happening("postgres-restarted", 112.0, 113.0, 9.0, first_commit=0.25),
        Happening("postgres-restarted", 113.0, 114.0, 9.0),
        happening("broker-frozen", 114.0, 115.0, 3.5),
        happening("cluster-restarted", 115.0, 116.0, 2.5),
        happening("kill-gateway", 116.0, 116.1, 0.5),
    ]
    made.consumed = [Beat(114.5, 119.0), Beat(115.5, 117.0), Beat(116.5, 118.5)]
    said = summary(made)
    assert (said["killed_at_any_moment"], said["ended_at_named_points"]) == (1, 1)
    assert (said["postgres_restarts"], said["first_commit_p99_s"]) == (2, 0.25)
    assert (said["broker_faults"], said["consumed_after_broker_p99_s"]) == (2, 2.5)
    assert said["consumed_latest_after"] == ["cluster-restarted: 2.50 s", "broker-frozen: 2.00 s"]
    assert said["messages"] == 2 + 5 + 3
    assert "messages" not in summary(result())
