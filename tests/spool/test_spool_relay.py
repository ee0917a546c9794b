"""What waits in the spool reaches Kafka, at least once, and can be read by nobody on the way."""

import asyncpg
import pytest

from schemas.cloudevents import Attributes
from schemas.topics import Topic
from service.bus.publisher import PublishError
from service.bus.spooling import SpoolRelay
from service.crypto.sealing import Opener
from service.ingress.durability import InSpool
from service.store.pool import Database
from tests.spool.fakes import CANARY, record


class FakePublisher:
    """Takes so many records and then no more."""

    def __init__(self, takes: int = 1_000) -> None:
        self.takes = takes
        self.published: list[tuple[Topic, str, bytes, Attributes]] = []

    async def publish(self, topic: Topic, key: str, value: bytes, attributes: Attributes) -> None:
        if len(self.published) >= self.takes:
            raise PublishError("on purpose")
        self.published.append((topic, key, value, attributes))


def relay(database: Database, publisher: FakePublisher, opener: Opener) -> SpoolRelay:
    return SpoolRelay(database, publisher, opener)  # type: ignore[arg-type]  # the part that it uses


async def test_a_spooled_record_is_published_exactly_as_it_was(
    database: Database, in_spool: InSpool, opener: Opener
) -> None:
    """I1, I6: key, bytes and every attribute survive the detour."""
    publisher = FakePublisher()
    await in_spool.keep(record())
    assert await relay(database, publisher, opener).round() == 1
    assert publisher.published == [tuple(record())]
    assert await relay(database, publisher, opener).round() == 0


async def test_the_oldest_go_first_and_a_failure_keeps_the_rest(
    database: Database, in_spool: InSpool, opener: Opener
) -> None:
    """I6."""
    for number in range(5):
        await in_spool.keep(record(number))
    publisher = FakePublisher(takes=2)
    assert await relay(database, publisher, opener).round() == 2
    publisher.takes = 100
    assert await relay(database, publisher, opener).round() == 3
    assert [sent[3].id for sent in publisher.published] == [f"message-{n}" for n in range(5)]


async def test_nothing_in_the_spool_is_in_the_clear(
    in_spool: InSpool, owner: asyncpg.Connection
) -> None:
    """I7."""
    await in_spool.keep(record())
    (row,) = await owner.fetch("select * from spool")
    assert CANARY not in bytes(row["sealed"])
    assert b"patient-1" not in bytes(row["sealed"])


async def test_a_row_moved_under_another_id_is_kept_aside_and_does_not_stop_the_others(
    database: Database, in_spool: InSpool, opener: Opener, owner: asyncpg.Connection
) -> None:
    """I6, I7."""
    await in_spool.keep(record(1))
    await in_spool.keep(record(2))
    await owner.execute(
        "update spool set record_id = gen_random_uuid()"
        " where position = (select min(position) from spool)"
    )
    publisher = FakePublisher()
    assert await relay(database, publisher, opener).round() == 1
    assert [sent[3].id for sent in publisher.published] == ["message-2"]
    assert await owner.fetchval("select count(*) from spool where stuck") == 1


async def test_the_ingress_can_insert_and_can_neither_read_nor_delete(
    in_spool: InSpool, owner: asyncpg.Connection
) -> None:
    """I7: a break-in at the ingress finds nothing in the spool."""
    await in_spool.keep(record())
    for statement in ("select * from spool", "delete from spool", "update spool set stuck = true"):
        async with owner.transaction():
            await owner.execute("set local role ias_ingress")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with owner.transaction():
                    await owner.execute(statement)
