"""Dead letters as they are on their topic, opened, and beside the records that they were made of."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from schemas.cloudevents import NotACloudEventError, from_headers
from schemas.dead_letters import DEAD_LETTER_TYPE, DeadLetter
from schemas.problems import InvalidMessageError, decode
from schemas.topics import Topic
from service.bus.reading import Places, read
from service.bus.received import Received
from service.crypto.keys import UnknownKeyError
from service.crypto.sealing import Opener, place
from service.settings.groups import Kafka


class Letter(NamedTuple):
    """One dead letter and its id."""

    id: str
    letter: DeadLetter


class Told(msgspec.Struct, frozen=True):
    """What is said of a letter without opening it."""

    id: str
    reason: str
    received_at: datetime
    topic: str | None
    partition: int | None
    offset: int | None
    message_type: str | None


def told(one: Letter) -> Told:
    """What is said of a letter without opening it."""
    letter = one.letter
    return Told(
        one.id,
        letter.reason.value,
        letter.received_at,
        letter.topic,
        letter.partition,
        letter.offset,
        letter.message_type,
    )


async def letters(settings: Kafka, since: datetime | None) -> AsyncIterator[Letter]:
    """Every dead letter that can be read, of ``since`` or later.

    Raises:
        UnreadableTopicError: Kafka or the topic is not there.
    """
    async for record in read(settings, Topic.DEAD_LETTERS, since):
        try:
            attributes = from_headers(record.headers)
            if attributes.type == DEAD_LETTER_TYPE:
                yield Letter(attributes.id, decode(record.value, DeadLetter))
        except (NotACloudEventError, InvalidMessageError):
            continue  # not written by this service


def opened(opener: Opener, one: Letter) -> bytes | None:
    """The original bytes; ``None`` where no key at hand opens them."""
    where = place(Topic.DEAD_LETTERS, one.letter.topic or Topic.WEBHOOKS, one.id)
    try:
        return opener.open(one.letter.sealed, where)
    except UnknownKeyError:
        return None


async def original(places: Places, opener: Opener, one: Letter) -> Received | None:
    """The record that the letter was made of, if its topic still has it.

    One whose bytes are others is not it: the topic was made again in between.

    Raises:
        UnreadableTopicError: Kafka or the topic is not there.
    """
    letter = one.letter
    if letter.topic not in set(Topic) or letter.partition is None or letter.offset is None:
        return None
    found = await places.at(Topic(letter.topic), letter.partition, letter.offset)
    if found is None or found.value != opened(opener, one):
        return None
    return found


def is_replayable(one: Letter) -> bool:
    """Whether it names the record that it was made of."""
    return one.letter.partition is not None and one.letter.offset is not None
