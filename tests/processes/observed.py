"""What a stranger could read: records of topics, rows of the database, logs."""

import asyncio
import subprocess
from typing import Any

from aiokafka import AIOKafkaConsumer

from schemas.topics import Topic
from tests.local.deployment import Deployment
from tests.stack import cluster

TOPICS = tuple(topic.value for topic in Topic)
READ_SECONDS = 15.0
Record = Any


async def read_topic(deployment: Deployment, topic: str) -> list[Record]:
    """Every record that the topic ever held, oldest first; none was deleted in a test's time."""
    name = f"{deployment.settings.topic_prefix}{topic}"
    consumer = AIOKafkaConsumer(
        name,  # without a group it is given every partition
        bootstrap_servers=deployment.settings.bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )
    await consumer.start()
    try:
        partitions = list(consumer.assignment())
        assert partitions, name
        wanted = sum((await consumer.end_offsets(partitions)).values())
        found: list[Record] = []
        async with asyncio.timeout(READ_SECONDS):
            while len(found) < wanted:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += records
        return sorted(found, key=lambda record: (record.timestamp, record.offset))
    finally:
        await consumer.stop()


def everything_in(record: Record) -> bytes:
    """Key, headers and value of a record, as one text to search in."""
    headers = b"\n".join(name.encode() + b": " + value for name, value in record.headers)
    return b"\n".join([record.key or b"", headers, record.value or b""])


def dump(deployment: Deployment) -> str:
    """The whole database as ``pg_dump`` writes it; bytes are hex there."""
    return subprocess.run(
        [cluster.program("pg_dump"), "-w", "-d", deployment.postgres.dsn(deployment.database)],
        env=cluster.ENVIRONMENT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def logs(deployment: Deployment) -> dict[str, str]:
    """What every process of the service printed, by its name; the double is not ours."""
    return {
        log.stem: log.read_text()
        for log in deployment.folder.glob("*.log")
        if log.stem != "metriport"
    }
