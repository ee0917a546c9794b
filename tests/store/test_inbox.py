"""The inbox: one message, one effect (I1)."""

import asyncio

import asyncpg
import pytest

from service.store import inbox
from service.store.pool import Database
from tests.support import people
from tests.support.waiting import until


async def test_a_message_is_new_once(database: Database) -> None:
    """I1."""
    for expected in (True, False, False):
        async with database.transaction() as unit:
            assert await inbox.remember(unit, "metriport", "message-1") is expected


async def test_the_same_id_from_another_source_is_another_message(database: Database) -> None:
    async with database.transaction() as unit:
        assert await inbox.remember(unit, "metriport", "message-1")
        assert await inbox.remember(unit, "callback", "message-1")


async def test_a_message_of_a_rolled_back_unit_is_still_new(database: Database) -> None:
    """I1: dedupe and effect are one transaction."""
    async with people.rolled_back(database) as unit:
        assert await inbox.remember(unit, "metriport", "message-1")
    async with database.transaction() as unit:
        assert await inbox.remember(unit, "metriport", "message-1")


async def test_ids_of_any_length_and_script_are_told_apart(database: Database) -> None:
    ids = ["x" * 100_000, "x" * 99_999, "ü", "u", ""]
    async with database.transaction() as unit:
        assert [await inbox.remember(unit, "metriport", name) for name in ids] == [True] * 5


@pytest.mark.parametrize("first_commits", [True, False])
async def test_of_two_at_once_one_is_new(database: Database, *, first_commits: bool) -> None:
    """I1: the second waits for the first and learns how it ended."""

    async def other() -> bool:
        async with database.transaction() as unit:
            return await inbox.remember(unit, "metriport", "message-1")

    async def is_blocked() -> bool:
        return await people.waiting_for_locks(database) == 1

    async with database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(inbox.REMEMBER, "metriport", inbox.digest("message-1"))
        second = asyncio.create_task(other())
        await until(is_blocked)
        await (transaction.commit() if first_commits else transaction.rollback())
        assert await second is not first_commits


async def test_of_many_at_once_one_is_new(database: Database) -> None:
    """I1."""

    async def attempt() -> bool:
        async with database.transaction() as unit:
            return await inbox.remember(unit, "metriport", "message-1")

    assert sum(await asyncio.gather(*(attempt() for _ in range(8)))) == 1


async def test_the_table_itself_refuses_a_second_row(database: Database) -> None:
    """I1: whatever the code does."""
    statement = "insert into inbox (source, message_digest) values ('metriport', 'x')"
    await people.sql(database, statement)
    with pytest.raises(asyncpg.UniqueViolationError):
        await people.sql(database, statement)
