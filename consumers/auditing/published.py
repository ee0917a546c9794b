"""Heads that were published, from where the database's owner cannot change them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.events import AuditHeadPublished
from schemas.problems import InvalidMessageError, decode
from schemas.topics import Topic
from service.bus.connection import connection_arguments, full_name
from service.settings.groups import Kafka

_TYPE: Final = ("ce_type", f"ias.event.{AuditHeadPublished.__name__}".encode())
_WAIT_MS: Final = 1000


class UnreadableHeadsError(Exception):
    """No heads; the text says what is wrong, and not what the file holds."""

    def __init__(self, why: str) -> None:
        super().__init__(f"--heads: {why}")


def from_file(path: Path) -> list[AuditHeadPublished]:
    """Heads from a file of JSON lines, each the content of one ``AuditHeadPublished``.

    Raises:
        UnreadableHeadsError: the file cannot be read, or a line is something else.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UnreadableHeadsError(f"cannot be read ({type(error).__name__})") from None
    return from_lines(lines)


def from_lines(lines: Iterable[bytes]) -> list[AuditHeadPublished]:
    """Heads from lines; empty ones are passed over.

    Raises:
        UnreadableHeadsError: a line is something else.
    """
    heads: list[AuditHeadPublished] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            heads.append(decode(line, AuditHeadPublished))
        except InvalidMessageError:
            raise UnreadableHeadsError(f"line {number} is no AuditHeadPublished") from None
    return heads


async def from_kafka(settings: Kafka) -> list[AuditHeadPublished]:
    """Every head that is still in the events' topic, read from its beginning without a group.

    Raises:
        UnreadableHeadsError: the cluster or the topic is not there.
    """
    consumer = AIOKafkaConsumer(
        full_name(settings, Topic.EVENTS),
        **connection_arguments(settings),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    try:
        await consumer.start()
        return from_lines(await _all(consumer))
    except KafkaError as error:
        raise UnreadableHeadsError(f"Kafka did not give them ({type(error).__name__})") from None
    finally:
        await consumer.stop()


async def _all(consumer: AIOKafkaConsumer) -> list[bytes]:
    partitions = sorted(consumer.assignment())
    if not partitions:  # to check against nothing would look like a check
        raise UnreadableHeadsError("the events' topic is not there")
    ends = await consumer.end_offsets(partitions)
    return [line for one in partitions for line in await _read(consumer, one, ends[one])]


async def _read(consumer: AIOKafkaConsumer, partition: TopicPartition, end: int) -> list[bytes]:
    lines: list[bytes] = []
    while await consumer.position(partition) < end:
        records = await consumer.getmany(partition, timeout_ms=_WAIT_MS)
        lines += [
            record.value
            for record in records.get(partition, ())
            if _TYPE in record.headers and record.value is not None
        ]
    return lines
