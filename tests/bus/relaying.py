"""A publisher that can be told to fail or to stall, and rows for it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from schemas.cloudevents import Attributes
from schemas.events import CommandRejected
from schemas.ids import SubjectId
from schemas.reasons import Reason
from schemas.topics import Topic
from service.bus.relay import Relay
from service.ias.telling import UNSEQUENCED
from service.store import outbox, subjects
from service.store.pool import Database
from service.store.unit import Unit
from tests.support.outbox import Told


class Sent(NamedTuple):
    """One publish that was acknowledged."""

    topic: str
    key: str
    value: bytes | None
    id: str


class FakePublisher:
    """Takes records; ``before`` may raise; an attempt with the number ``stall_at`` never ends."""

    def __init__(self, before: Callable[[int], Any] = lambda _: None) -> None:
        self.sent: list[Sent] = []
        self.attempts = 0
        self.under_way: list[str] = []
        self.most_under_way = 0
        self.stall_at: int | None = None
        self.refused: set[str] = set()
        """Keys that are not taken."""
        self._before = before

    async def publish(
        self, topic: Topic, key: str, value: bytes | None, attributes: Attributes
    ) -> None:
        self.attempts += 1
        assert key not in self.under_way, "two rows of one subject at the same time"
        self._before(self.attempts)
        if key in self.refused:
            raise ConnectionError
        if self.attempts == self.stall_at:
            await asyncio.Event().wait()
        self.under_way.append(key)
        self.most_under_way = max(self.most_under_way, len(self.under_way))
        await asyncio.sleep(0)
        self.under_way.remove(key)
        self.sent.append(Sent(topic, key, value, attributes.id))


def relay_of(database: Database, publisher: FakePublisher) -> Relay:
    """One replica's relay."""
    return Relay(database, publisher)  # type: ignore[arg-type]  # it has the one method used


async def say(database: Database, subject: str, *messages: str) -> None:
    """Tell something about a subject, each message in a transaction of its own."""
    for message in messages:
        async with database.transaction() as unit:
            await tell(unit, subject, message)


async def tell(unit: Unit, subject: str, message: str = "said") -> None:
    """Tell something about a subject in the caller's transaction."""
    await subjects.lock_or_create(unit, SubjectId(subject))
    event = CommandRejected(
        sequence=UNSEQUENCED,
        subject_id=SubjectId(subject),
        reason=Reason.NOT_SUPPORTED,
        message=message,
    )
    await outbox.emit(unit, event)


def by_key(sent: Sequence[Sent]) -> dict[str, list[str]]:
    """Ids of what was sent for each subject, in order."""
    found: dict[str, list[str]] = {}
    for one in sent:
        found.setdefault(one.key, []).append(one.id)
    return found


def per_key(rows: Sequence[Told]) -> dict[str, list[str]]:
    """Ids of what waits for each subject, in order of position."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.key, []).append(row.id)
    return found
