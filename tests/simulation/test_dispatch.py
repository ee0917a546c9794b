"""Four replicas with wrong clocks that are killed and stopped keep to the vendor's limits (I3, I8)."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.bench.dispatch_judge import judge
from tests.bench.dispatch_replica import CLOCK_OFF
from tests.bench.dispatch_simulation import Plan, Simulation
from tests.metriport_sandbox.ledger import Call
from tests.stack import wrong_clock
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.processes import Supervised

ALL = ("hie", "pharmacy", "lab")


def _call(at: float, query: str, *sources: str, status: int = 200) -> Call:
    body = {
        "sources": {source: {"enabled": True} for source in sources},
        "metadata": {"iasQueryId": query},
    }
    return Call(
        number=1,
        at=at,
        operation="start-network-query",
        method="POST",
        path="/medical/v1/network/query",
        query={},
        headers={},
        body=json.dumps(body),
        status=status,
        answer='{"requestId":"r"}' if status == 200 else "Too many requests",
    )


def test_the_judge_sees_a_minute_with_one_call_too_many() -> None:
    """It begins between two full minutes, so that no fixed window shows it."""
    calls = [_call(50 + n / 10, str(n), "hie") for n in range(10)]
    calls += [_call(109 + n / 100, str(10 + n), "lab") for n in range(11)]
    assert judge(calls, 2).windows_over == 1
    assert judge(calls[:-1], 2).windows_over == 0


def test_the_judge_sees_a_source_that_is_asked_too_often() -> None:
    calls = [_call(n, str(n), *ALL) for n in range(21)]
    assert judge(calls, 1).windows_over == 4  # in all, and each source


def test_the_judge_sees_a_query_that_was_accepted_twice() -> None:
    """I3: one that was refused as too many and then accepted is none."""
    calls = [_call(0, "a", "hie", status=429), _call(5, "a", "hie"), _call(6, "b", "hie")]
    found = judge(calls, 1)
    assert (found.double_calls, found.refused, found.accepted) == (0, 1, 2)
    assert judge([*calls, _call(7, "b", "hie")], 1).double_calls == 1


def test_the_judge_counts_what_was_used_of_the_budget() -> None:
    assert judge([_call(n * 3.0, str(n), "hie") for n in range(40)], 2).budget_used == 1.0


def test_a_clock_that_is_as_wrong_as_any_is_told_from_what_replicas_said(tmp_path: Path) -> None:
    simulation = Simulation(Plan(minutes=1, faster=10, seed=1), "", tmp_path)
    for number, said in enumerate(["", f"{CLOCK_OFF} 1500.0\n", f"x\n{CLOCK_OFF} -7199.9\n"]):
        log = tmp_path / f"{number}.log"
        log.write_text(said)
        simulation.replicas.append(Supervised("replica", [], env={}, log_path=log))
        assert simulation.skew_seconds() == [0.0, 1500.0, 7199.9][number]


@pytest.mark.alone
@pytest.mark.process
def test_no_window_is_over_and_no_query_is_sent_twice_whatever_happens_to_replicas(
    postgres: EmbeddedPostgres, migrated_template: str, tmp_path: Path
) -> None:
    """I3, I8: four minutes at ten times speed; what is used of the budget is for ``make bench-dispatch``."""
    postgres.create_database("simulation", migrated_template)
    simulation = Simulation(
        Plan(minutes=4, faster=10, seed=20261123, every=60),
        postgres.dsn("simulation"),
        tmp_path,
    )
    try:
        with Stack() as stack:
            found = asyncio.run(simulation.run(stack))
    finally:
        postgres.drop_database("simulation")
    assert simulation.kills + simulation.stops >= 2
    assert (found.windows_over, found.refused, found.double_calls) == (0, 0, 0)
    assert found.accepted > 40
    if wrong_clock.LIBRARIES:
        assert simulation.skew_seconds() == pytest.approx(2 * 3600, abs=60)
