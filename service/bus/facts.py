"""How a cluster's topics really are: read by the doctor and `topics check`, changed by nobody here."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from schemas.topics import Topic
from service.bus.connection import connection_arguments, full_name
from service.settings.groups import Kafka

_SECONDS: Final = 20.0


class UnreachableError(Exception):
    """The cluster does not answer, or not to this login; the text is the kind of error."""


class TopicFacts(NamedTuple):
    """One topic as the cluster describes it. Without ``configs`` the cluster did not tell them."""

    partitions: int
    replication: int
    lagging: int
    """Partitions with a replica that is not in sync."""
    configs: Mapping[str, str]


Facts = Mapping[Topic, TopicFacts | None]
"""Every topic of the map; ``None`` where the cluster has none."""


async def look(settings: Kafka) -> Facts:
    """Look at every topic of the map.

    Raises:
        UnreachableError: no answer within 20 s, or a refusal.
    """
    admin = AIOKafkaAdminClient(**connection_arguments(settings))
    try:
        async with asyncio.timeout(_SECONDS):
            await admin.start()
            return await _look(admin, {full_name(settings, topic): topic for topic in Topic})
    except (KafkaError, OSError) as error:  # a timeout is an OSError
        raise UnreachableError(type(error).__name__) from None
    finally:
        await admin.close()


async def _look(admin: AIOKafkaAdminClient, wanted: Mapping[str, Topic]) -> Facts:
    there = sorted(set(await admin.list_topics()) & wanted.keys())
    found: dict[Topic, TopicFacts | None] = dict.fromkeys(wanted.values())
    if not there:
        return found
    configs = await _configs(admin, there)
    for described in await admin.describe_topics(there):
        name, partitions = described["topic"], described["partitions"]
        found[wanted[name]] = TopicFacts(
            len(partitions),
            min(len(one["replicas"]) for one in partitions),
            sum(len(one["isr"]) < len(one["replicas"]) for one in partitions),
            configs.get(name, {}),
        )
    return found


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    """What the cluster tells of its topics' settings; a login may describe topics and not these."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    try:
        answers: list[Any] = await admin.describe_configs(asked)
    except KafkaError:
        return {}
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for answer in answers
        for resource in answer.resources
        if resource[0] == 0
    }
