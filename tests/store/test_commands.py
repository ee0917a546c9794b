"""Commands act once, and a repeat is recognised (I3)."""

from typing import Any
from uuid import uuid4

import pytest

from schemas.commands import LinkPatient
from schemas.ids import CommandId, PatientId, SubjectId
from schemas.sources import PurposeOfUse
from service.store import commands, subjects
from service.store.commands import Arrival
from service.store.pool import Database
from tests.support import people

SUBJECT = SubjectId("jane")
KIND = "ias.command.LinkPatient"
ID = CommandId(uuid4())


def _command(**changes: Any) -> LinkPatient:
    values: dict[str, Any] = {
        "command_id": ID,
        "subject_id": SUBJECT,
        "patient_id": PatientId("patient-1"),
        "purpose": PurposeOfUse.IAS,
        "metadata": {"ticket": "canary-7"},
    }
    return LinkPatient(**(values | changes))


async def _accept(database: Database, kind: str = KIND, **changes: Any) -> Arrival:
    content = _command(**changes)
    async with database.transaction() as unit:
        await subjects.lock_or_create(unit, content.subject_id)
        return await commands.accept(unit, kind, content)


async def test_the_same_command_again_is_a_repeat(database: Database) -> None:
    assert await _accept(database) is Arrival.NEW
    assert await _accept(database) is Arrival.REPEAT
    assert await people.count(database, "command") == 1


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (KIND, {"patient_id": PatientId("patient-2")}),
        (KIND, {"purpose": PurposeOfUse.TREATMENT}),
        (KIND, {"metadata": {"ticket": "other"}}),
        ("ias.command.RegisterPatient", {}),
    ],
)
async def test_other_content_under_a_used_id_is_a_reused_id(
    database: Database, kind: str, changes: dict[str, Any]
) -> None:
    await _accept(database)
    assert await _accept(database, kind, **changes) is Arrival.REUSED_ID
    assert await _accept(database) is Arrival.REPEAT


async def test_ids_are_unique_per_subject(database: Database) -> None:
    await _accept(database)
    assert await _accept(database, subject_id=SubjectId("victor")) is Arrival.NEW


async def test_a_command_has_no_final_event_before_its_end(database: Database) -> None:
    await _accept(database)
    async with database.transaction() as unit:
        assert await commands.final(unit, SUBJECT, ID) is None
        event_id = uuid4()
        final = commands.Final(event_id, "ias.event.X", b"{}", unit.now)
        await commands.finish(unit, SUBJECT, ID, final, [KIND])
        assert await commands.final(unit, SUBJECT, ID) == final


async def test_an_event_that_ends_commands_of_another_kind_is_not_kept(database: Database) -> None:
    """I4: the return of a challenge that a query asked for does not end the query."""
    await _accept(database)
    async with database.transaction() as unit:
        final = commands.Final(uuid4(), "ias.event.X", b"{}", unit.now)
        await commands.finish(unit, SUBJECT, ID, final, ["ias.command.Another"])
        assert await commands.final(unit, SUBJECT, ID) is None


async def test_metadata_is_kept_as_a_box_and_comes_back(database: Database) -> None:
    """I7: the caller's own words are not readable in the table."""
    await _accept(database)
    assert b"canary" not in (await people.row(database, "command"))["metadata_box"]
    async with database.transaction() as unit:
        named = [(SUBJECT, ID), (SUBJECT, CommandId(uuid4()))]
        assert await commands.metadata(unit, named) == {named[0]: {"ticket": "canary-7"}}
        assert await commands.metadata(unit, []) == {}


async def test_the_order_of_metadata_does_not_make_another_command(database: Database) -> None:
    """I3: a sender that repeats a command may write its pairs in another order."""
    arrivals = []
    for metadata in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}):
        async with database.transaction() as unit:
            await subjects.lock_or_create(unit, SUBJECT)
            arrivals.append(await commands.accept(unit, KIND, _command(metadata=metadata)))
    assert arrivals == [Arrival.NEW, Arrival.REPEAT]
