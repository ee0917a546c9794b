"""Reading ahead and writing later change no answer, whatever comes in between."""

from contextlib import suppress

import pytest

from schemas.events import DispatchResumed
from schemas.ids import SubjectId
from service.ias.telling import UNSEQUENCED
from service.store import outbox, subjects
from service.store.pool import Database
from tests.support import people
from tests.support.outbox import told

SET = "update subject set next_sequence = $2 where subject_id = $1"
READ = "select next_sequence from subject where subject_id = $1"
SUBJECT = SubjectId("jane")


@pytest.fixture
async def jane(database: Database) -> str:
    async with database.transaction() as unit:
        await subjects.lock_or_create(unit, SUBJECT)
    return SUBJECT


async def test_a_write_put_off_is_seen_by_the_next_statement(database: Database, jane: str) -> None:
    async with database.transaction() as unit:
        unit.conn.later(SET, jane, 5)
        assert await unit.conn.fetchval(READ, jane) == 5


async def test_writes_of_one_statement_keep_their_order(database: Database, jane: str) -> None:
    async with database.transaction() as unit:
        for number in (5, 9, 7):
            unit.conn.later(SET, jane, number)
    assert (await people.row(database, "subject"))["next_sequence"] == 7


async def test_what_was_read_ahead_answers_until_its_row_is_written(
    database: Database, jane: str
) -> None:
    async with database.transaction() as unit:
        unit.conn.ahead(READ, jane, answer="read ahead")
        assert [await unit.conn.fetchval(READ, jane) for _ in range(2)] == ["read ahead"] * 2
        unit.conn.later(SET, jane, 5)
        assert await unit.conn.fetchval(READ, jane) == 5


async def test_any_other_statement_makes_forget_what_was_read_ahead(
    database: Database, jane: str
) -> None:
    """It may have changed the row, and nobody needs to know which."""
    async with database.transaction() as unit:
        unit.conn.ahead(READ, jane, answer="read ahead")
        await unit.conn.execute("update subject set next_sequence = 3")
        assert await unit.conn.fetchval(READ, jane) == 3


async def test_nothing_read_is_an_answer_too(database: Database, jane: str) -> None:
    async with database.transaction() as unit:
        unit.conn.ahead(READ, jane, answer=None)
        assert await unit.conn.fetchval(READ, jane) is None


async def test_a_savepoint_that_is_rolled_back_takes_what_was_put_off_and_told_with_it(
    database: Database, jane: str
) -> None:
    """I1: and what was before it stays."""
    event = DispatchResumed(sequence=UNSEQUENCED, subject_id=SubjectId(jane))
    async with database.transaction() as unit:
        await outbox.emit(unit, event)
        with suppress(ValueError):
            async with unit.conn.transaction():
                await outbox.emit(unit, event)
                unit.conn.later(SET, jane, 50)
                raise ValueError
    assert [one.body["sequence"] for one in await told(database)] == [1]
    assert (await people.row(database, "subject"))["next_sequence"] == 2


async def test_a_transaction_that_fails_tells_nothing(database: Database, jane: str) -> None:
    """S12."""
    async with people.rolled_back(database) as unit:
        event = DispatchResumed(sequence=UNSEQUENCED, subject_id=SubjectId(jane))
        await outbox.emit(unit, event)
    assert await told(database) == []
