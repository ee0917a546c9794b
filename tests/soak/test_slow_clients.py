"""The tally of slow clients finds who was not cut and who was answered wrongly; and a small crowd is cut."""

import asyncio
from typing import Any

import pytest

from tests.overload.bench import GoodClient
from tests.soak import slow_clients
from tests.soak.slow_clients import Tally, crowd, standing, waves
from tests.stack.broker import Broker
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres


def _attack(**ends: int) -> dict[str, Any]:
    return {"ends": ends, "slowest": dict.fromkeys(ends, 5.1)}


def _good(*answers: float, wrong: int = 0) -> GoodClient:
    return GoodClient("", webhooks=list(answers), pings=[0.001], wrong=[503] * wrong)


def test_all_cut_and_all_answered_is_clean() -> None:
    tally = Tally()
    tally.add({"ends": {"closed": 9, "408": 1}, "slowest": {"closed": 5.5, "408": 1.2}})
    tally.add(_attack(closed=3))
    tally.hear(_good(0.002))
    figures = tally.figures()
    assert tally.broken == 0
    assert (figures["cut"], figures["cut_within_s"], figures["good_answers"]) == (13, 5.5, 2)


@pytest.mark.parametrize("how", ["held", "refused", "200"])
def test_who_was_not_cut_breaks_it(how: str) -> None:
    tally = Tally()
    tally.add(_attack(closed=9, **{how: 2}))
    assert tally.broken == 2


def test_a_wrong_answer_to_the_good_client_breaks_it_and_a_slow_one_is_seen() -> None:
    tally = Tally()
    tally.add(_attack(closed=1))
    tally.hear(_good(0.4, wrong=1))
    assert tally.broken == 1
    assert tally.figures()["good_p99_ms"] == 400.0


def test_a_crowd_is_as_many_as_were_asked_for() -> None:
    assert crowd(10_000) == {"stuck_head": 9_000, "half_head": 500, "drip": 500}
    assert sum(crowd(33).values()) == 33


@pytest.mark.edge
@pytest.mark.process
@pytest.mark.deep
def test_a_small_crowd_is_cut(
    postgres: EmbeddedPostgres, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_clients, "ATTACK_SECONDS", 9.0)
    monkeypatch.setattr(slow_clients, "GOOD_SECONDS", 1.0)
    with Stack() as stack:
        deployment = standing(stack, (postgres, broker)).start()
        broken, figures = asyncio.run(waves(deployment, 1, 40))
    assert broken == 0, figures
    assert figures["cut"] == 40
    deployment.remove_logs()
