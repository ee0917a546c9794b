"""Apache Kafka grants each login what the table says, and nothing else: seen with the product at work."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from consumers.auditing.published import from_kafka
from service.settings.groups import Kafka
from service.settings.secret import Secret
from tests.access.expected import CLIENTS, INSPECTORS, READERS, TOPICS, WRITERS
from tests.access.secured import PREFIX, SecuredDeployment, SecuredKafka, user
from tests.local.journey import Journey

pytestmark = [pytest.mark.kafka, pytest.mark.process]

DENIED = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)
PROBE = [("ce_type", b"probe")]
"""A type that nobody knows. With a key: a compacted topic takes no record without one."""


async def may_write(kafka: SecuredKafka, client: str, topic: str) -> bool:
    login = kafka.login(client)
    producer = AIOKafkaProducer(bootstrap_servers=kafka.secured_servers, acks="all", **login)
    await producer.start()
    try:
        await producer.send_and_wait(f"{PREFIX}{topic}", b"", b"key", headers=PROBE)
    except DENIED:
        return False
    else:
        return True
    finally:
        await producer.stop()


async def may_read(kafka: SecuredKafka, client: str, topic: str) -> bool:
    """To who may not even describe it, a topic is not there."""
    login = kafka.login(client)
    consumer = AIOKafkaConsumer(
        f"{PREFIX}{topic}",
        bootstrap_servers=kafka.secured_servers,
        auto_offset_reset="earliest",
        **login,
    )
    try:
        await asyncio.wait_for(_joined(consumer), 15.0)
    except (*DENIED, UnknownTopicOrPartitionError):
        return False
    else:
        return True
    finally:
        await consumer.stop()


async def _joined(consumer: AIOKafkaConsumer) -> None:
    await consumer.start()
    await consumer.getone()


async def test_a_person_pulls_their_record_while_every_process_has_its_own_rights_alone(
    member: Journey,
) -> None:
    """Webhooks, callbacks, commands, events and links pass; nobody lacks a right for its work."""
    bundle = await member.complete()
    assert bundle["resourceType"] == "Bundle"


async def test_no_login_reads_a_topic_that_it_is_not_named_for(secured: SecuredDeployment) -> None:
    """I7: bearer links, and what the ingress took in, are read by whom the contract names."""
    kafka = secured.kafka
    plain = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, acks="all")
    await plain.start()
    try:
        for topic in TOPICS:
            await plain.send_and_wait(f"{PREFIX}{topic}", b"", b"key", partition=0, headers=PROBE)
    finally:
        await plain.stop()
    found = {
        topic: {client for client in CLIENTS if await may_read(kafka, client, topic)}
        for topic in TOPICS
    }
    assert found == READERS


async def test_no_login_writes_to_a_topic_that_it_is_not_named_for(
    secured: SecuredDeployment,
) -> None:
    """A command comes from the application, an event from the consumers, and from nobody else."""
    kafka = secured.kafka
    found = {
        topic: {client for client in CLIENTS if await may_write(kafka, client, topic)}
        for topic in TOPICS
    }
    assert found == WRITERS


async def test_no_login_sees_how_a_topic_is_set_unless_it_is_its_work(
    secured: SecuredDeployment,
) -> None:
    """The doctor runs as the consumers; of everybody else's logins none tells more than it did."""
    found = {client: await inspected(secured.kafka, client) for client in CLIENTS}
    assert found == {
        client: set(TOPICS) if client in INSPECTORS else set[str]() for client in CLIENTS
    }


async def inspected(kafka: SecuredKafka, client: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.secured_servers, **kafka.login(client))
    names = [ConfigResource(ConfigResourceType.TOPIC, f"{PREFIX}{topic}") for topic in TOPICS]
    await admin.start()
    try:
        answers: list[Any] = await admin.describe_configs(names)
    finally:
        await admin.close()
    told = [one for answer in answers for one in answer.resources]
    assert {one[0] for one in told} <= {0, TopicAuthorizationFailedError.errno}
    assert len(told) == len(TOPICS)
    return {one[3].removeprefix(PREFIX) for one in told if one[0] == 0}


@pytest.mark.parametrize("client", [one for one in CLIENTS if one != "topics"])
async def test_a_login_that_is_not_the_jobs_creates_no_topic(
    secured: SecuredDeployment, client: str
) -> None:
    assert await created(secured.kafka, client, f"{PREFIX}another") is False


async def test_even_the_job_creates_none_but_ours(secured: SecuredDeployment) -> None:
    assert await created(secured.kafka, "topics", f"{PREFIX}another") is False


async def created(kafka: SecuredKafka, client: str, name: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.secured_servers, **kafka.login(client))
    await admin.start()
    try:
        answer: Any = await admin.create_topics([NewTopic(name, 1, 1)])
    finally:
        await admin.close()
    (error,) = answer.topic_errors
    assert error[1] in {0, TopicAuthorizationFailedError.errno}
    return bool(error[1] == 0)


@pytest.mark.parametrize(
    ("client", "topic"),
    [
        ("application", "ias.events.v1"),
        ("observer", "ias.events.v1"),
        ("audit", "ias.events.v1"),
        ("lag", "ias.commands.v1"),
        ("ingress", "metriport.webhooks.v1"),
    ],
)
async def test_nobody_else_joins_the_consumers_group(
    secured: SecuredDeployment, client: str, topic: str
) -> None:
    """A member more would take partitions, and leave their records unhandled: not by a topic it may see."""
    kafka = secured.kafka
    consumer = AIOKafkaConsumer(
        f"{PREFIX}{topic}",
        bootstrap_servers=kafka.secured_servers,
        group_id=f"{PREFIX}metriport-ias",
        **kafka.login(client),
    )
    try:
        with pytest.raises(GroupAuthorizationFailedError):
            await asyncio.wait_for(_joined(consumer), 20.0)
    finally:
        await consumer.stop()


async def test_the_lag_can_be_seen_by_who_can_read_nothing(secured: SecuredDeployment) -> None:
    kafka = secured.kafka
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.secured_servers, **kafka.login("lag"))
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(f"{PREFIX}metriport-ias")
    finally:
        await admin.close()
    assert {one.topic for one in offsets} <= {
        f"{PREFIX}{topic}"
        for topic in ("metriport.webhooks.v1", "ias.callbacks.v1", "ias.commands.v1")
    }
    assert offsets


async def test_the_audits_heads_are_read_in_no_group(secured: SecuredDeployment) -> None:
    kafka = secured.kafka
    settings = Kafka(
        bootstrap_servers=kafka.secured_servers,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username=user("audit"),
        sasl_password=Secret(kafka.passwords[user("audit")]),
        ssl_cafile=None,
        topic_prefix=PREFIX,
        session_timeout_ms=6000,
        fetch_max_wait_ms=20,
    )
    assert isinstance(await from_kafka(settings), list)
