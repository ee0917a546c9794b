"""What makes a commit safe, and what does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consumers.doctor.finding import Verdict
from consumers.doctor.postgres import judge, judge_work
from service.store.dispatch_stop import Stop, Why
from service.store.health import Server, Work
from service.store.held import Kind

NOW = datetime(2026, 6, 3, 10, tzinfo=UTC)


def server(**changes: Any) -> Server:
    """A primary with a synchronous standby."""
    given: dict[str, Any] = {
        "version": 180000,
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "standby_names": "standby",
        "follows_another": False,
        "is_superuser": False,
        "now": NOW,
        "standbys": 1,
    }
    return Server(**(given | changes))


def judged(found: Server, *, trusts: bool = False) -> dict[str, Verdict]:
    return {one.check: one.verdict for one in judge(found, NOW, trusts_failover=trusts)}


def test_a_primary_with_a_synchronous_standby_is_ok() -> None:
    assert set(judged(server()).values()) == {Verdict.OK}


@pytest.mark.parametrize(
    ("changes", "check", "verdict"),
    [
        ({"fsync": "off"}, "postgres.durability", Verdict.WRONG),
        ({"full_page_writes": "off"}, "postgres.durability", Verdict.WRONG),
        ({"synchronous_commit": "off"}, "postgres.durability", Verdict.WRONG),
        ({"synchronous_commit": "local"}, "postgres.replication", Verdict.WARNING),
        ({"standby_names": ""}, "postgres.replication", Verdict.WARNING),
        ({"standbys": 0}, "postgres.replication", Verdict.WRONG),
        ({"follows_another": True}, "postgres.primary", Verdict.WRONG),
        ({"is_superuser": True}, "postgres.role", Verdict.WARNING),
        ({"now": NOW + timedelta(seconds=6)}, "postgres.clock", Verdict.WARNING),
    ],
)
def test_what_can_lose_a_commit_is_told(
    changes: dict[str, Any], check: str, verdict: Verdict
) -> None:
    assert judged(server(**changes))[check] is verdict


def test_to_trust_a_failover_without_a_synchronous_standby_is_wrong() -> None:
    """I3: a lost commit may be the mark of a query that was sent."""
    found = judged(server(standby_names=""), trusts=True)
    assert found["postgres.replication"] is Verdict.WRONG
    assert judged(server(), trusts=True)["postgres.replication"] is Verdict.OK


def test_work_that_waits_or_is_stopped_is_told() -> None:
    quiet = Work(None, [], 0, 0.0, 0, 0)
    assert list(judge_work(quiet)) == []
    busy = Work(
        stop=Stop(Why.KEY_REFUSED, NOW, loss_proven=False),
        stopped=[Kind("ias.commands.v1", "ias.command.StartNetworkQuery")],
        outbox_rows=7,
        outbox_seconds=61.0,
        spooled=0,
        stuck=2,
    )
    assert [(one.check, one.verdict) for one in judge_work(busy)] == [
        ("dispatch", Verdict.WRONG),
        ("consumers.stopped", Verdict.WRONG),
        ("spool.stuck", Verdict.WRONG),
        ("relay", Verdict.WARNING),
    ]
    assert [one.check for one in judge_work(None)] == ["postgres.work"]
