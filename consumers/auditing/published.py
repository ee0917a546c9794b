"""Heads that were published, from where the database's owner cannot change them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from consumers.command_line import settings_of
from schemas.events import AuditHeadPublished
from schemas.problems import InvalidMessageError, decode
from schemas.topics import Topic
from service.bus.reading import read
from service.settings.groups import Kafka
from service.settings.roles import Role, TopicsSettings

KAFKA: Final = "kafka"
_TYPE: Final = f"ias.event.{AuditHeadPublished.__name__}".encode()


class UnreadableHeadsError(Exception):
    """No heads; the text says what is wrong, and not what the file holds."""

    def __init__(self, why: str) -> None:
        super().__init__(f"--heads: {why}")


async def heads_of(source: str) -> list[AuditHeadPublished]:
    """The heads that ``--heads`` names: those of a file, or with ``KAFKA`` those of the events' topic.

    Raises:
        SettingsError: those of Kafka are missing or wrong.
        UnreadableHeadsError: what is there is none.
        UnreadableTopicError: the cluster or the topic is not there.
    """
    if source != KAFKA:
        return from_file(Path(source))
    return await from_kafka(settings_of(Role.TOPICS, TopicsSettings).kafka)


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
    """Every head that is still in the events' topic.

    Raises:
        UnreadableHeadsError: one of them is none.
        UnreadableTopicError: the cluster or the topic is not there; to check against nothing would look like a check.
    """
    records = read(settings, Topic.EVENTS)
    return from_lines([one.value async for one in records if one.header("ce_type") == _TYPE])
