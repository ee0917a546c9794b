"""How far a consumer is behind: asked of the broker every few seconds, beside the consuming.

The watchdog asks too, but only while nothing is in hand, and to judge. This only tells; a broker that
does not answer leaves the gauges as they are, and ``LAG_MEASURED`` standing still says so.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from schemas.topics import Topic
from service.bus.in_hand import InHand
from service.telemetry import metrics

_EVERY_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 5.0


async def tell_lag(
    consumer: AIOKafkaConsumer,
    topics: Mapping[str, Topic],
    hand: InHand,
    *,
    every: float = _EVERY_SECONDS,
) -> None:
    """Tell the lag until cancelled; then it is somebody else's, and told as none of ours."""
    try:
        while True:
            await _tell_once(consumer, topics, hand)
            await asyncio.sleep(every)
    finally:
        _say(topics, Counter(), partitions=0)


async def _tell_once(consumer: AIOKafkaConsumer, topics: Mapping[str, Topic], hand: InHand) -> None:
    _say_age(topics, hand)
    mine = consumer.assignment()
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            ends = await consumer.end_offsets(mine) if mine else {}
            fetched = {one: await consumer.position(one) for one in mine}
    except (KafkaError, TimeoutError, OSError):
        return
    waiting = Counter(record.topic for record in hand.records)
    for one in mine:
        waiting[one.topic] += max(0, ends[one] - fetched[one])
    _say(topics, waiting, partitions=len(mine))
    metrics.LAG_MEASURED.set(time.time())


def _say(topics: Mapping[str, Topic], waiting: Counter[str], *, partitions: int) -> None:
    for name, topic in topics.items():
        metrics.CONSUMER_LAG.labels(topic.value).set(waiting[name])
    metrics.CONSUMER_PARTITIONS.set(partitions)


def _say_age(topics: Mapping[str, Topic], hand: InHand) -> None:
    oldest = dict.fromkeys(topics, 0.0)
    for record in hand.records:
        oldest[record.topic] = max(oldest[record.topic], time.time() - record.timestamp / 1000)
    for name, age in oldest.items():
        metrics.CONSUMER_AGE.labels(topics[name].value).set(age)
