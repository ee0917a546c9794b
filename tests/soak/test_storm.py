"""The storm's judge finds what is lost and what is done twice; and a small storm comes to rest."""

import asyncio
import random
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.bench.consumers_seed import Started
from tests.soak.answering import answering
from tests.soak.standing import Standing
from tests.soak.storm import storm
from tests.soak.storm_judge import Effect, effect_of, ends_of, inbox_row, judge, webhooks_of
from tests.soak.storm_load import Storm, order
from tests.soak.watched import lags, watch
from tests.stack.broker import Broker
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres

SENT = webhooks_of([Started(f"r-{n}", f"p-{n}", f"s-{n}") for n in range(4)])[:-1]
"""Three queries whole, and one of which a webhook was not sent."""

INBOX = [inbox_row(one.message_id) for one in SENT]
END = Effect("p-0", "query", "partial")


def _told() -> dict[Effect, set[bytes]]:
    effects = [*(one.effect for one in SENT), *ends_of(SENT)]
    return {effect: {str(number).encode()} for number, effect in enumerate(effects)}


def test_a_good_storm_is_clean() -> None:
    assert judge(SENT, INBOX, _told()) == (11, 0, 0, 0)
    assert ends_of(SENT) == {Effect(f"p-{n}", "query", "partial") for n in range(3)}


@pytest.mark.parametrize("effect", [SENT[4].effect, END])
def test_an_effect_that_two_events_tell_is_doubled(effect: Effect) -> None:
    told = _told()
    told[effect].add(b"another")
    judged = judge(SENT, INBOX, told)
    assert (judged.doubled, judged.broken) == (1, 1)


@pytest.mark.parametrize("effect", [SENT[4].effect, END])
def test_an_effect_that_no_event_tells_is_missing(effect: Effect) -> None:
    told = _told()
    del told[effect]
    judged = judge(SENT, INBOX, told)
    assert (judged.missing, judged.broken) == (1, 1)


def test_the_inbox_must_have_each_id_once_and_no_others() -> None:
    assert judge(SENT, INBOX[1:], _told()).missing == 1
    assert judge(SENT, [*INBOX, INBOX[0]], _told()).doubled == 1
    assert judge(SENT, [*INBOX, inbox_row("another")], _told()).strange == 1


def test_what_nobody_sent_is_strange() -> None:
    told = _told() | {Effect("p-0", "hie", "failed"): {b"another"}}
    assert judge(SENT, INBOX, told).strange == 1
    assert effect_of("ias.event.NetworkQueryStarted", {}) is None


def test_every_id_is_delivered_so_often_its_copies_among_others_and_the_seed_decides() -> None:
    turns = order(500, 3, random.Random(1))
    assert set(Counter(turns).values()) == {3}
    assert turns == order(500, 3, random.Random(1)) != order(500, 3, random.Random(2))
    assert turns[:3] != sorted(turns)[:3], "copies are not neighbours"


REQUEST = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"


async def test_what_is_refused_is_sent_again_and_anything_else_is_not() -> None:
    async with answering([503, 503, 401]) as port:
        load = await Storm(port, [REQUEST], [0] * 100).run()
    assert load["statuses"] == {"503": 2, "401": 1, "200": 99}
    assert (load["refused_then_repeated"], load["never_taken"]) == (2, 1)


async def test_a_loop_that_is_held_up_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "lag"
    watching = asyncio.create_task(watch(file))
    await asyncio.sleep(0.2)
    _hold_up()
    async with asyncio.timeout(5):
        while not file.exists() or not re.search(r"\n", file.read_text()):
            await asyncio.sleep(0.05)
    watching.cancel()
    (lag,) = lags(file, 0.0, float("inf"))
    assert lag.worst >= 0.15
    assert lag.long >= 1
    assert lags(file, lag.at + 1, lag.at + 2) == []


def _hold_up() -> None:
    time.sleep(0.2)


@pytest.mark.edge
@pytest.mark.process
@pytest.mark.deep
def test_a_small_storm_leaves_each_effect_once(postgres: EmbeddedPostgres, broker: Broker) -> None:
    with Stack() as stack:
        roles = ("ingress", "consumers")
        deployment = Standing(stack, "small_storm", roles, servers=(postgres, broker))
        broken, figures = asyncio.run(storm(deployment.start(), 60, 1))
    assert broken == 0, figures
    assert (figures["deliveries"], figures["ids"], figures["effects"]) == (180, 60, 60)
    deployment.remove_logs()
