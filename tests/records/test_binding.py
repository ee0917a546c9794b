"""The database refuses a record request that refers to somebody else's things (I2, I9)."""

import asyncpg
import pytest

from service.store import subjects
from service.store.pool import Database
from tests.support import people
from tests.support.people import Person


@pytest.mark.parametrize("column", ["verification_id", "challenge_id", "query_id", "record_id"])
async def test_a_request_cannot_refer_to_what_is_another_subjects(
    database: Database, column: str
) -> None:
    """Also when both are linked to the same patient."""
    jane = await people.person(database, "jane", "shared")
    victor = await people.person(database, "victor", "shared")
    theirs = {
        "verification_id": victor.verification_id,
        "challenge_id": victor.challenge_id,
        "query_id": await people.due_query(database, victor),
        "record_id": await people.due_consolidated(database, victor),
    }
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await _refers(database, jane, **{column: theirs[column]})
    await _refers(
        database, jane, verification_id=jane.verification_id, challenge_id=jane.challenge_id
    )


async def _refers(database: Database, who: Person, **to: object) -> None:
    async with database.transaction() as unit:
        await subjects.lock(unit, who.subject_id)
        await people.record_request(unit, who, **to)


async def test_a_request_that_has_ended_says_how_and_an_open_one_does_not(
    database: Database,
) -> None:
    jane = await people.person(database, "jane", "patient-j")
    async with database.transaction() as unit:
        await people.record_request(unit, jane)
    for change in ("step = 'finished'", "result = 'ready'"):
        with pytest.raises(asyncpg.CheckViolationError):
            await people.sql(database, f"update record_request set {change}")  # noqa: S608 - above
