"""Shapes from where they are: the topic of raw webhooks, and the files of gateway and ingress."""

import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Final

from consumers.reading import Reader, RejectedError, Webhook
from schemas.cloudevents import DATAREF
from schemas.metriport.webhooks import KNOWN_TYPES
from schemas.topics import Topic
from service.assumed.comparing import Origin, Seen
from service.assumed.shapes import shape_of_bytes
from service.bus.reading import read
from service.settings.groups import Kafka
from service.telemetry.shapes import read_folder, read_lines

STDIN: Final = Path("-")
"""Named for the folder: what is piped in, where the files are in other pods."""
OTHER = "other"
UNREAD = "unread"
"""Not authentic, not readable, or kept aside for its size."""


async def webhooks(
    settings: Kafka, reader: Reader, since: datetime | None, unread: Counter[str]
) -> AsyncIterator[Seen]:
    """The shape of every authentic webhook; the others are counted.

    Raises:
        UnreadableTopicError: Kafka or the topic is not there.
    """
    async for record in read(settings, Topic.WEBHOOKS, since):
        if record.header(f"ce_{DATAREF}") is not None:
            unread["too large"] += 1
            continue
        try:
            message = reader.read(record)
        except RejectedError as error:
            unread[error.reason.value] += 1
            continue
        assert isinstance(message, Webhook)  # noqa: S101 - nothing else is on this topic
        yield shape_of_webhook(message.meta.type, message.body)


def shape_of_webhook(kind: str, body: bytes) -> Seen:
    """A webhook's shape, under its type if that is a documented one."""
    name = kind if kind in KNOWN_TYPES else OTHER
    return Seen(Origin.WEBHOOK, name, shape=dict(shape_of_bytes(body)))


def kept(folder: Path | None) -> list[Seen]:
    """The shapes of answers and redirects that were kept, if any were.

    Raises:
        UnreadableShapesError: the folder cannot be read, or holds something else.
    """
    if folder == STDIN:
        return list(read_lines(sys.stdin.buffer, "stdin"))
    return [] if folder is None else list(read_folder(folder))
