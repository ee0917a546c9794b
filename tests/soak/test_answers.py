"""The campaign of answers counts what was not answered 200 and what was lost, and its ingress has a core alone."""

import asyncio
import os
import subprocess
import sys

import pytest

from tests.bench.figures import Shot, Shots
from tests.soak import answers, cores
from tests.soak.answers import Answers, Pace
from tests.soak.standing import Standing
from tests.stack.broker import Broker
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres

PACE = Pace(rate=500, seconds=2)
GOOD = Shots(shots=[Shot(0.003, 200)] * 990 + [Shot(0.02, 200)] * 10, late=[0.0] * 1_000)


def test_answers_that_are_all_good_break_nothing_however_long_they_took() -> None:
    found = answers.figures(GOOD, PACE, 1_000)
    assert answers.broken(found) == 0
    assert (found["webhooks"], found["rate_per_s"]) == (1_000, 500.0)
    assert (found["answer_p50_ms"], found["answer_p99_ms"], found["answer_p999_ms"]) == (3, 3, 20)
    slow = Shots(shots=[Shot(5.0, 200)] * 1_000, late=GOOD.late)
    assert answers.broken(answers.figures(slow, PACE, 1_000)) == 0


@pytest.mark.parametrize("status", [0, 401, 503])
def test_no_answer_and_any_other_than_200_are_counted(status: int) -> None:
    shots = Shots(shots=[*GOOD.shots[1:], Shot(0.003, status)], late=GOOD.late)
    found = answers.figures(shots, PACE, 999)
    assert (found["not_200"], found["lost"], answers.broken(found)) == (1, 0, 1)


def test_what_was_answered_200_and_is_not_kept_is_lost() -> None:
    found = answers.figures(GOOD, PACE, 997)
    assert (found["not_200"], found["lost"], answers.broken(found)) == (0, 3, 3)


def test_a_load_that_fell_behind_did_not_reach_its_rate() -> None:
    late = Shots(shots=GOOD.shots, late=[*GOOD.late[1:], 2.0])
    assert answers.figures(late, PACE, 1_000)["rate_per_s"] == 250.0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="binds processes on Linux alone")
def test_a_process_is_bound_with_what_it_started_and_nothing_else_is() -> None:
    every = os.sched_getaffinity(0)
    with cores.spared() as alone, subprocess.Popen([sys.executable, "-c", "input()"]) as child:
        rest = os.sched_getaffinity(0)
        assert len(alone) == 1
        assert cores.bound(child.pid) == rest
        cores.bind(child.pid, alone)
        assert cores.bound(child.pid) == alone
        assert (rest & alone == set()) == (len(every) > 1)
        child.kill()
    assert os.sched_getaffinity(0) == every


@pytest.mark.edge
@pytest.mark.process
@pytest.mark.deep
def test_a_small_load_is_answered_and_kept(postgres: EmbeddedPostgres, broker: Broker) -> None:
    with Stack() as stack:
        servers = (postgres, broker)
        deployment = Standing(stack, "small_answers", ("ingress",), servers=servers).start()
        ingress = deployment.processes["ingress"].pid
        found = asyncio.run(Answers(deployment, cores.bound(ingress)).run(Pace(20, 2)))
    assert (found["webhooks"], answers.broken(found)) == (40, 0), found
    deployment.remove_logs()
