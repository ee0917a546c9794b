"""Kafka while it answers, the spool while it does not, and an honest no when neither does (I6)."""

import time

import pytest

from service.bus.publisher import PublishError
from service.ingress.breaker import MOMENT_SECONDS, Breaker
from service.ingress.durability import KafkaElseSpool
from tests.spool.fakes import FakeStore, record


async def test_while_kafka_answers_the_spool_is_not_asked() -> None:
    kafka, spool = FakeStore(), FakeStore()
    await KafkaElseSpool(kafka, spool, Breaker(time.monotonic)).keep(record())
    assert (kafka.asked, spool.asked) == (1, 0)


async def test_what_kafka_does_not_take_goes_to_the_spool() -> None:
    kafka, spool = FakeStore(works=False), FakeStore()
    await KafkaElseSpool(kafka, spool, Breaker(time.monotonic)).keep(record())
    assert [kept.attributes.id for kept in spool.kept] == ["message-1"]


async def test_after_three_misses_kafka_is_left_alone_and_nothing_is_lost() -> None:
    kafka, spool = FakeStore(works=False), FakeStore()
    now = [0.0]
    durable = KafkaElseSpool(kafka, spool, Breaker(lambda: now[0]))
    for number in range(50):
        now[0] += MOMENT_SECONDS / 6
        await durable.keep(record(number))
    assert kafka.asked < 20
    assert len(spool.kept) == 50


async def test_kafka_is_used_again_as_soon_as_it_answers() -> None:
    now = [0.0]
    kafka, spool = FakeStore(works=False), FakeStore()
    durable = KafkaElseSpool(kafka, spool, Breaker(lambda: now[0]))
    for number in range(5):
        now[0] += MOMENT_SECONDS
        await durable.keep(record(number))
    kafka.works = True
    now[0] += 1.0
    for number in range(5, 10):
        await durable.keep(record(number))
    assert [kept.attributes.id for kept in kafka.kept] == [f"message-{n}" for n in range(5, 10)]


async def test_when_neither_store_takes_it_the_answer_is_no() -> None:
    durable = KafkaElseSpool(
        FakeStore(works=False), FakeStore(works=False), Breaker(time.monotonic)
    )
    with pytest.raises(PublishError):
        await durable.keep(record())
