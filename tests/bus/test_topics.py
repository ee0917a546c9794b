"""The map of topics on a real broker: created once, and told where the cluster differs."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import TOPICS, Topic
from service.bus import facts, topics
from service.bus.connection import full_name
from service.settings.groups import Kafka


async def test_what_was_applied_lacks_nothing_and_differs_in_nothing(settings: Kafka) -> None:
    before = await facts.look(settings)
    assert topics.missing(settings, before) == sorted(full_name(settings, one) for one in Topic)
    created = await topics.apply(settings, 1)
    assert created == sorted(full_name(settings, one) for one in Topic)
    after = await facts.look(settings)
    assert topics.missing(settings, after) == []
    assert topics.differences(settings, after, 1) == []
    assert await topics.apply(settings, 1) == []


async def test_a_topic_that_somebody_made_otherwise_is_told_with_what_differs(
    settings: Kafka,
) -> None:
    name = full_name(settings, Topic.LINKS)
    config = topics.configuration(TOPICS[Topic.LINKS], 1) | {"retention.ms": "604800000"}
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1, topic_configs=config)])
    finally:
        await admin.close()
    await topics.apply(settings, 1)
    told = topics.differences(settings, await facts.look(settings), 1)
    assert told[0] == f"{name}: partitions is 2, not 6"
    assert told[1:] in ([], [f"{name}: retention.ms is 604800000, not 3600000"])
    if not told[1:]:
        pytest.skip("this broker does not tell a topic's settings")
