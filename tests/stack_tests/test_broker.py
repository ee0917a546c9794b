"""The broker carries records, and can be frozen, thawed, killed and restarted."""

import socket
import uuid

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.stack.alive import is_alive
from tests.stack.broker import (
    Broker,
    EmbeddedBroker,
    EnvironmentBroker,
    NotOursError,
    broker_from_environment,
)

pytestmark = pytest.mark.edge


async def test_a_produced_record_is_consumed(broker: Broker) -> None:
    topic, servers = f"stack-{uuid.uuid4()}", broker.bootstrap_servers
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])  # Apache Kafka makes none by itself here
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        sent = await producer.send_and_wait(topic, b"value", key=b"key")
    async with AIOKafkaConsumer(bootstrap_servers=servers) as consumer:
        place = TopicPartition(topic, sent.partition)
        consumer.assign([place])
        consumer.seek(place, sent.offset)
        record = await consumer.getone()
    assert (record.key, record.value) == (b"key", b"value")


def test_a_frozen_broker_accepts_but_does_not_answer_until_thawed() -> None:
    with EmbeddedBroker() as broker:
        broker.freeze()
        with socket.create_connection(("127.0.0.1", broker.port), timeout=1):
            assert not broker.answers(within=0.2)
        broker.thaw()
        assert broker.answers()


def test_a_killed_broker_refuses_and_comes_back_on_its_port() -> None:
    with EmbeddedBroker() as broker:
        servers, first = broker.bootstrap_servers, broker.pid
        broker.kill()
        assert not broker.answers()
        broker.restart()
        assert broker.answers()
        assert (broker.bootstrap_servers, broker.pid != first) == (servers, True)


def test_a_frozen_broker_can_be_stopped_and_leaves_nothing() -> None:
    with EmbeddedBroker() as broker:
        pid, folder = broker.pid, broker.folder
        broker.freeze()
    assert not is_alive(pid)
    assert not folder.exists()


def test_the_cluster_of_the_environment_is_used_and_never_stopped() -> None:
    with EmbeddedBroker() as somebody_elses:
        named = {"KAFKA_BOOTSTRAP_SERVERS": somebody_elses.bootstrap_servers}
        broker = broker_from_environment(named)
        assert isinstance(broker.start(), EnvironmentBroker)
        for breaking in (broker.freeze, broker.thaw, broker.kill, broker.restart):
            with pytest.raises(NotOursError):
                breaking()
        broker.stop()
        assert somebody_elses.answers()


def test_without_a_cluster_in_the_environment_the_broker_is_ours() -> None:
    assert broker_from_environment({"KAFKA_BOOTSTRAP_SERVERS": " "}).is_ours
