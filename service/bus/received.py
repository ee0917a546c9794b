"""One record of a topic, as it came."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from aiokafka.structs import ConsumerRecord

from schemas.cloudevents import well_formed
from schemas.topics import Topic


class Received(NamedTuple):
    """One record as it came. ``timestamp``: the broker's, in milliseconds since 1970."""

    topic: Topic
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes | None]]

    @property
    def traceparent(self) -> str | None:
        """The W3C trace that the record belongs to, if it is well-formed."""
        return well_formed(self.text("traceparent"))

    @property
    def written_at(self) -> datetime:
        """When the broker got it."""
        return datetime.fromtimestamp(self.timestamp / 1000, UTC)

    @property
    def position(self) -> str:
        """Names the record for dedupe, across a topic that is made again as well."""
        return f"{self.topic}/{self.partition}/{self.offset}/{self.timestamp}"

    def header(self, name: str) -> bytes | None:
        """The first header of this name."""
        return next((value for known, value in self.headers if known == name), None)

    def text(self, name: str) -> str:
        """The same as text, whatever its bytes; empty without the header."""
        return (self.header(name) or b"").decode(errors="replace")


def received(topic: Topic, record: ConsumerRecord[bytes, bytes]) -> Received:
    """What a client fetched, under the topic's own name."""
    return Received(
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value or b"",
        headers=record.headers,
    )
