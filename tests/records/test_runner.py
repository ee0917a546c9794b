"""The runner: any number of replicas, and a defect that stays with its own request (I4)."""

import asyncio
from uuid import UUID

import pytest

from consumers.context import Context
from consumers.records import starting
from consumers.records.runner import RecordRunner
from schemas.ids import PatientId, SubjectId
from service.ias.record_request import Act
from service.store import subjects
from service.store.pool import Database
from tests.support import people

from .story import Story


async def _wakes(story: Story) -> None:
    await people.sql(story.database, "update record_request set wake_at = now(), seen_sequence = 0")


async def test_replicas_that_look_at_once_start_each_thing_once(
    linked: Story, context: Context, database: Database
) -> None:
    """I2: the person is asked once, and one query is sent."""
    replicas = [RecordRunner(database, context) for _ in range(4)]
    request_id = await linked.proofed_with_session()
    for _ in range(5):
        await _wakes(linked)
        await asyncio.gather(*(one.round() for one in replicas))
    await linked.settle()
    assert len(await linked.bodies("UserActionRequired")) == 2
    assert linked.calls() == 1
    assert (await linked.state(request_id))["waitingFor"] == "sources"


async def test_a_subject_that_somebody_has_is_looked_at_later(linked: Story) -> None:
    """Nothing waits for a lock, so nobody is held up."""
    await linked.ask()
    await _wakes(linked)
    async with linked.database.transaction() as unit:
        await subjects.lock(unit, SubjectId("jane"))
        assert await linked.runner.round() == 0
    assert await linked.runner.round() == 1
    assert await linked.runner.round() == 0, "no news, nothing to look at"


async def test_a_defect_of_one_request_stops_no_other(
    linked: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is put off, ever longer, changes nothing meanwhile, and goes on when the defect is gone."""
    request_id = await linked.ask()
    await linked.proves(await linked.link("identity_verification"))
    code = await linked.comes_back(await linked.link("aal2_challenge"))

    async def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    right = starting.STARTERS
    monkeypatch.setattr("consumers.records.advancing.STARTERS", {**right, Act.START_QUERY: broken})
    await linked.confirm(code)
    row = await people.row(linked.database, "record_request", request_id=UUID(request_id))
    assert row["failures"] == 1
    assert row["waiting_for"] == "return_confirmation"
    async with linked.database.transaction() as unit:
        await people.link(unit, SubjectId("victor"), PatientId("patient-v"))
    linked.subject, linked.patient = "victor", "patient-v"
    await linked.ask()
    assert (await linked.steps())[-1] == ("identity_verification", "identity_verification")
    linked.subject, linked.patient = "jane", "patient-j"
    monkeypatch.setattr("consumers.records.advancing.STARTERS", right)
    await _wakes(linked)
    await linked.settle()
    assert (await linked.steps())[-1] == ("network_query", "sources")
