"""The judge of the cuts can fail, and our client does not make it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from service.gateway.client import VendorClient
from service.gateway.outcome import Accepted, NotSent, Outcome, Unknown
from service.settings.metriport import Metriport
from tests.cutting.proxy import Cut, How, Way

from .cut_judge import Attempt, Tally
from .cut_schedules import ACCEPTED, UNKNOWN, Kind, Schedule
from .cuts import run

CUT = Schedule(Kind.CUT, "start_network_query", UNKNOWN, Cut(Way.REQUEST, 7, How.FIN))
SOUND = Schedule(Kind.SOUND, "start_network_query", ACCEPTED)
DONE = Accepted(b"{}")


@pytest.mark.parametrize(
    ("schedule", "outcome", "received", "faults"),
    [
        (CUT, Unknown(), 0, set()),
        (CUT, Unknown(), 1, set()),
        (CUT, Unknown(), 2, {"received_twice"}),
        (CUT, NotSent(), 0, {"other_outcome"}),
        (CUT, NotSent(), 1, {"misclassified_unsent", "other_outcome"}),
        (CUT, DONE, 0, {"accepted_unreceived", "other_outcome"}),
        (SOUND, DONE, 1, set()),
        (SOUND, DONE, 2, {"received_twice"}),
        (SOUND, Unknown(), 1, {"ambiguous_on_sound"}),
        (SOUND, NotSent(), 0, {"ambiguous_on_sound"}),
    ],
)
def test_a_call_is_judged_by_what_arrived(
    schedule: Schedule, outcome: Outcome, received: int, faults: set[str]
) -> None:
    tally = Tally()
    tally.judge([Attempt(schedule, 3, outcome)], {3: received})
    counted = {"schedules", "sound_calls", "cuts_of_request", "unknown", "not_sent"}
    assert set(tally.counts) - counted == faults
    assert len(tally.broken) == bool(faults)


async def test_our_client_keeps_its_promises() -> None:
    tally = await run(300, 30, seed=1)
    assert tally.broken == []
    assert (tally.counts["schedules"], tally.counts["sound_calls"]) == (300, 30)
    assert tally.counts["cuts_of_request"] > 50
    assert tally.counts["cuts_of_answer"] > 50


@asynccontextmanager
async def _as_aiohttp_comes(settings: Metriport) -> AsyncIterator[VendorClient]:
    """It keeps connections, makes a GET again by itself, and nobody notes that a connection stood."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
    async with aiohttp.ClientSession(connector=connector) as session:
        yield VendorClient(session, settings)


async def test_a_client_without_our_care_is_caught() -> None:
    tally = await run(300, 0, seed=1, opened=_as_aiohttp_comes)
    assert tally.counts["received_twice"] > 0
    assert tally.counts["misclassified_unsent"] > 0


@asynccontextmanager
async def _in_doubt(settings: Metriport) -> AsyncIterator[VendorClient]:
    """It never says that a call was accepted."""
    async with aiohttp.ClientSession() as session:

        class Doubting(VendorClient):
            async def call(self, *_: object) -> Outcome:
                return Unknown()

        yield Doubting(session, settings)


async def test_doubt_about_sound_calls_is_counted() -> None:
    tally = await run(1, 9, seed=1, opened=_in_doubt)
    assert (tally.counts["sound_calls"], tally.counts["ambiguous_on_sound"]) == (9, 9)
