"""A subject whose patient the vendor knows, and a second one."""

import pytest

from consumers.context import Context
from consumers.processor import Processor
from consumers.records.runner import RecordRunner
from consumers.sweeper import Sweeper
from schemas.ids import PatientId, SubjectId
from service.store.pool import Database
from tests.dispatch.conftest import Gateway, Vendor, gateway, start, vendor
from tests.support import people
from tests.support.settings import rules

from .story import Story

__all__ = ["gateway", "start", "vendor"]


@pytest.fixture
def runner(database: Database, context: Context) -> RecordRunner:
    """One replica's."""
    return RecordRunner(database, context)


@pytest.fixture
def story(
    database: Database, process: Processor, runner: RecordRunner, gateway: Gateway, vendor: Vendor
) -> Story:
    """Jane, who is not known to us yet; the vendor knows her patient."""
    told = Story(database, process, runner, Sweeper(database, rules()), gateway, vendor)
    vendor.patient(told.patient)
    return told


@pytest.fixture
async def linked(story: Story) -> Story:
    """Jane, linked to her patient."""
    async with story.database.transaction() as unit:
        await people.link(unit, SubjectId(story.subject), PatientId(story.patient))
    return story
