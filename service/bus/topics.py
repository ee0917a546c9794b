"""The topic map applied to a cluster: ``metriport-ias topics apply`` and ``check``."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import DAY, TOPICS, Topic, TopicSpec
from service.bus.connection import connection_arguments, full_name
from service.bus.facts import Facts, TopicFacts
from service.settings.groups import Kafka

MAX_MESSAGE: Final = 34 * 1024 * 1024
"""Bytes of the largest record: a webhook is kept aside above 8 MiB, a sealed one is a little larger."""

_ALREADY_THERE: Final = 36
_LISTED_SECONDS: Final = 10.0
_LISTED_PAUSE_SECONDS: Final = 0.05
_MINUTE: Final = 60_000


async def apply(settings: Kafka, replication: int) -> list[str]:
    """Create the topics that are missing; the names of those that were created here.

    A broker may list a topic later than another made it, so what it answers counts, not the list.
    """
    admin = AIOKafkaAdminClient(**connection_arguments(settings))
    await admin.start()
    try:
        there = set(await admin.list_topics())
        wanted = {full_name(settings, topic): topic for topic in Topic}
        missing = {name: topic for name, topic in wanted.items() if name not in there}
        if not missing:
            return []
        new = [_new(name, TOPICS[topic], replication) for name, topic in missing.items()]
        answer: Any = await admin.create_topics(new)
        created = _created(answer.topic_errors)
        await _until_listed(admin, set(wanted))
        return sorted(created)
    finally:
        await admin.close()


def missing(settings: Kafka, found: Facts) -> list[str]:
    """Names of topics that the cluster lacks."""
    return sorted(full_name(settings, topic) for topic, one in found.items() if one is None)


def differences(settings: Kafka, found: Facts, replication: int) -> list[str]:
    """How the topics that are there differ from the map, a line for each difference."""
    there = {full_name(settings, topic): (topic, one) for topic, one in found.items() if one}
    return [
        f"{name}: {line}"
        for name, (topic, one) in sorted(there.items())
        for line in _differing(TOPICS[topic], one, replication)
    ]


def _differing(spec: TopicSpec, found: TopicFacts, replication: int) -> Iterator[str]:
    if found.partitions != spec.partitions:
        yield f"partitions is {found.partitions}, not {spec.partitions}"
    for key, value in sorted(configuration(spec, replication).items()):
        if found.configs.get(key, value) != value:
            yield f"{key} is {found.configs[key]}, not {value}"


async def _until_listed(admin: AIOKafkaAdminClient, wanted: set[str]) -> None:
    """Return when the broker lists them all: with KRaft that takes a moment after it made them."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LISTED_SECONDS):
            while not wanted <= set(await admin.list_topics()):  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(_LISTED_PAUSE_SECONDS)


def _new(name: str, spec: TopicSpec, replication: int) -> NewTopic:
    configs = configuration(spec, replication)
    return NewTopic(name, spec.partitions, replication, topic_configs=configs)


def configuration(spec: TopicSpec, replication: int) -> dict[str, str]:
    """A topic's settings, as the map has them.

    The broker gives each record its time. With the producer's, Apache Kafka refuses what comes from a
    process whose clock is more than an hour ahead (``message.timestamp.after.max.ms``), and retention
    would follow that clock. What is being written to is not deleted before its segment is closed, which
    without ``segment.ms`` may take a week, whatever the retention.
    """
    configs = {
        "message.timestamp.type": "LogAppendTime",
        "cleanup.policy": spec.cleanup,
        "max.message.bytes": str(MAX_MESSAGE),
        "min.insync.replicas": str(min(2, replication)),
    }
    if spec.retention_ms is not None:
        configs["retention.ms"] = str(spec.retention_ms)
        configs["segment.ms"] = str(min(DAY, max(10 * _MINUTE, spec.retention_ms // 6)))
    return configs


def _created(errors: list[tuple[str, int, str | None]]) -> list[str]:
    failed = [name for name, code, *_ in errors if code not in {0, _ALREADY_THERE}]
    if failed:
        raise RuntimeError(f"topics not created: {', '.join(failed)}")
    return [name for name, code, *_ in errors if code == 0]
