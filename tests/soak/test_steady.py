"""The judge of steady work sees what grows, what is lost and who died; and clients that give up do give up."""

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.overload import keys
from tests.overload.running import Held, running
from tests.soak import steady
from tests.soak.deliveries import Deliveries, Delivery, Sent, webhooks
from tests.soak.giving_up import HOW, GivingUp, cut
from tests.soak.samples import (
    Sample,
    Table,
    grown,
    growth,
    sample,
    slope_mib_per_h,
    warm,
    warm_up_seconds,
)
from tests.soak.steady import Tally, broken
from tests.soak.steady_deployment import MORE, standing
from tests.stack.broker import Broker
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres

REQUEST = keys.request(keys.webhook())
ROLES = ("ingress", "gateway")
WELL = {"not_2xx": 0, "lost": 0, "stalled": 0, "died": 0}


def _hours(rss: Callable[[float], float], *, fds: Callable[[float], int]) -> list[Sample]:
    """Six hours of a gateway beside an ingress at which nothing happens."""
    moments = [minute * 60.0 for minute in range(361)]
    gateway = [Sample(at, "gateway", rss(at / 3600), fds(at / 3600), 5, 3) for at in moments]
    return [Sample(at, "ingress", 80.0, 20, 5, 2) for at in moments] + gateway


def test_memory_is_taken_as_in_the_image() -> None:
    assert {name for name in MORE if name.startswith("MALLOC_")} == {
        "MALLOC_MMAP_THRESHOLD_",
        "MALLOC_TRIM_THRESHOLD_",
    }


def test_what_does_not_grow_has_no_slope() -> None:
    found = growth(_hours(lambda _: 90.0, fds=lambda _: 30), ROLES)
    assert (found["slope_mib_per_h"], found["fds_grown"], found["connections_grown"]) == (0, 0, 0)
    assert (found["rss_ingress_mib"], found["rss_gateway_mib"]) == (80.0, 90.0)


def test_the_role_that_grows_is_seen_and_is_the_worst() -> None:
    found = growth(_hours(lambda hour: 90 + 2.5 * hour, fds=lambda hour: 30 + int(hour)), ROLES)
    assert found["slope_gateway_mib_per_h"] == 2.5 == found["slope_mib_per_h"]
    assert found["slope_ingress_mib_per_h"] == 0
    assert found["fds_grown"] == 4


def test_what_came_with_the_warm_up_does_not_count() -> None:
    filled = _hours(lambda hour: 90 + 40 * min(hour, 1), fds=lambda hour: 10 if hour < 1 else 30)
    found = growth(filled, ROLES)
    assert (found["slope_mib_per_h"], found["fds_grown"]) == (0, 0)
    assert warm(filled, "gateway")[0].at == 3600.0
    assert (warm_up_seconds(6 * 3600), warm_up_seconds(240)) == (3600, 120)


def test_a_moment_of_many_is_no_growth_and_one_connection_more_for_good_is() -> None:
    assert grown([3] * 50 + [40] + [3] * 49) == 0
    assert grown([3] * 50 + [4] * 50) == 1
    assert grown([]) == 0


def test_of_one_moment_there_is_no_slope() -> None:
    one = Sample(0.0, "ingress", 80.0, 20, 5, 2)
    assert slope_mib_per_h([one]) is None
    assert growth([one], ROLES)["slope_mib_per_h"] is None, "nothing is known of the gateway"


def test_an_own_process_is_sampled_and_written_down(tmp_path: Path) -> None:
    before = sample(0.0, "ingress", os.getpid(), 2)
    with (tmp_path / "held").open("w", encoding="utf-8"):
        during = sample(1.0, "ingress", os.getpid(), 2)
    assert during.fds == before.fds + 1
    assert before.rss_mib > 10
    assert before.threads >= 1
    Table(tmp_path / "steady.csv").add([before, during])
    lines = (tmp_path / "steady.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "at,role,rss_mib,fds,threads,connections"
    assert len(lines) == 3


def test_of_a_process_that_is_gone_there_is_no_sample() -> None:
    with pytest.raises(OSError, match="No such file"):
        sample(0.0, "ingress", 2**22 + 1, 0)


def test_answers_are_tallied_and_what_was_answered_200_must_be_kept() -> None:
    statuses, deliveries, tally = [200, 503, 0, 202], Deliveries(1, ""), Tally()
    deliveries.all += [
        Delivery(Sent(f"m-{status}", b"body"), 0.0, 0.1, status) for status in statuses
    ]
    tally.take(deliveries)
    assert (tally.figures()["webhooks"], tally.not_2xx, deliveries.all) == (4, 2, [])
    assert tally.kept == [Sent("m-200", b"")]


@pytest.mark.parametrize("kind", WELL)
def test_each_kind_of_harm_breaks_it(kind: str) -> None:
    assert broken(WELL) == 0
    assert broken(WELL | {kind: 2}) == 2


def test_a_client_sends_as_much_as_it_gets_to() -> None:
    head, body = cut(REQUEST, "head"), cut(REQUEST, "body")
    assert head.endswith(b"\r\n\r\n")
    assert len(head) < len(body) < len(REQUEST) == len(cut(REQUEST, "answer"))
    assert REQUEST.startswith(body)


async def test_clients_give_up_in_every_way_and_only_whole_webhooks_get_to_the_store() -> None:
    store = Held()
    async with running(store) as port:
        clients = GivingUp(port, keys.WEBHOOK_KEY, random.Random(1))
        await clients.run(webhooks(random.Random(2), []), 30, 0.2)
        assert clients.done == dict.fromkeys(HOW, 10)
        assert (clients.count, clients.not_connected) == (30, 0)
        assert store.waiting == 10, "and each with an answer that nobody will read"


async def test_who_found_nobody_gave_nothing_up() -> None:
    clients = GivingUp(free_port(), keys.WEBHOOK_KEY, random.Random(1))
    await clients.run(webhooks(random.Random(2), []), 3, 0.0)
    assert (clients.count, clients.not_connected) == (0, 3)


@pytest.mark.edge
@pytest.mark.process
@pytest.mark.deep
def test_some_steady_seconds_lose_nothing_and_a_process_that_ends_is_seen(
    postgres: EmbeddedPostgres, broker: Broker, tmp_path: Path
) -> None:
    file = tmp_path / "steady.csv"
    with Stack() as stack:
        deployment = standing(stack, (postgres, broker)).start()
        found = asyncio.run(steady.steady(deployment, random.Random(1), 0.1, 30, file))
        deployment.processes["gateway"].kill()
        without = asyncio.run(steady.steady(deployment, random.Random(2), 0.1, 30, file))
    assert broken(found) == 0, found
    assert found["webhooks"] >= 60
    assert (found["cancels"], found["people_complete"]) == (30, found["people"])
    assert found["slope_mib_per_h"] is not None
    assert (without["died"], broken(without), without["hours"]) == (1, 1, 0.0)
    deployment.remove_logs()
