"""Reads back what was published since the tap was opened."""

import asyncio
from typing import NamedTuple, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import TOPICS, Topic

WRITTEN = (Topic.WEBHOOKS, Topic.CALLBACKS, Topic.DEAD_LETTERS)
"""The topics that the ingress writes to."""


class Published(NamedTuple):
    """One record, its topic without the prefix."""

    topic: str
    key: str
    value: bytes
    headers: dict[str, str]


class Tap:
    """Stands at the end of the ingress's topics. Use as an async context manager."""

    def __init__(self, bootstrap_servers: str, prefix: str) -> None:
        self._servers = bootstrap_servers
        self._prefix = prefix

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            fetch_max_wait_ms=20,
            enable_auto_commit=False,
            max_partition_fetch_bytes=40_000_000,
        )
        await self._consumer.start()
        self._partitions = [
            TopicPartition(f"{self._prefix}{topic.value}", number)
            for topic in WRITTEN
            for number in range(TOPICS[topic].partitions)
        ]
        self._consumer.assign(self._partitions)
        ends = await self._consumer.end_offsets(self._partitions)
        for partition, end in ends.items():
            self._consumer.seek(partition, end)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._consumer.stop()

    async def new(self) -> list[Published]:
        """Everything published since the last look.

        The ingress answers after the broker has acknowledged, so what is not there at the time of
        the answer was not published: no waiting, no doubt.
        """
        ends = await self._consumer.end_offsets(self._partitions)
        found: list[Published] = []
        async with asyncio.timeout(10):
            while [part for part, end in ends.items() if await self._consumer.position(part) < end]:
                batches = await self._consumer.getmany(timeout_ms=200)
                found += [self._published(record) for batch in batches.values() for record in batch]
        return found

    async def one(self) -> Published:
        """The one record published since the last look."""
        (record,) = await self.new()
        return record

    def _published(self, record: object) -> Published:
        topic: str = record.topic  # type: ignore[attr-defined]  # aiokafka's record is generic
        return Published(
            topic.removeprefix(self._prefix),
            (record.key or b"").decode(),  # type: ignore[attr-defined]
            record.value,  # type: ignore[attr-defined]
            _only_once(record.headers),  # type: ignore[attr-defined]
        )


def _only_once(headers: list[tuple[str, bytes]]) -> dict[str, str]:
    names = [name for name, _ in headers]
    assert len(names) == len(set(names)), f"a header is repeated: {names}"
    return {name: value.decode() for name, value in headers}
