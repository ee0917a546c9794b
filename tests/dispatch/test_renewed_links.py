"""A dead link is renewed without a human: what Metriport sends again, to the living link (I4, I6, I9)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from consumers.processor import Processor
from schemas.topics import Topic
from service.bus.received import Received
from service.store.pool import Database
from tests.metriport_sandbox import DEFAULT_API_KEY
from tests.metriport_sandbox.scripts import Outcome
from tests.support import people, records
from tests.support.outbox import kinds, only, told
from tests.support.people import Person
from tests.support.settings import WEBHOOK_KEY

from .conftest import Gateway, Vendor, make_due

START = "start-consolidated-query"
TEN_MINUTES = 600.0


@dataclass
class Receiver:
    """Where the double sends its webhooks; while it is away nothing is taken."""

    process: Processor
    away: bool = False
    waiting: list[Received] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        """Keep a webhook, as the ingress does."""
        raw = await request.read()
        if self.away:
            return web.Response(status=503)
        signature = request.headers["x-metriport-signature"]
        self.waiting.append(records.webhook(raw, signature=signature))
        return web.Response()

    async def hear(self) -> int:
        """Handle what was kept, as the consumers do; how many there were."""
        kept, self.waiting = self.waiting, []
        for webhook in kept:
            await self.process(webhook)
        return len(kept)


@pytest.fixture
async def receiver(process: Processor, vendor: Vendor, jane: Person) -> AsyncIterator[Receiver]:
    """The double knows it, and a record of jane's."""
    made = Receiver(process)
    app = web.Application()
    app.router.add_post("/", made.take)
    async with TestServer(app) as server:
        settings = vendor.sandbox.state.settings
        settings.exists, settings.webhook_key = True, WEBHOOK_KEY
        settings.webhook_url = str(server.make_url("/"))
        vendor.patient(jane.patient_id).gathered |= {"early", "hie"}
        yield made


def _ends_at_once(vendor: Vendor, times: int) -> None:
    outcome = Outcome(of="consolidated", result="completed", seconds=0, times=times)
    vendor.sandbox.scripts.outcomes.append(outcome)


async def _send_failures_again(vendor: Vendor) -> None:
    async with (
        ClientSession(headers={"x-api-key": DEFAULT_API_KEY}) as client,
        client.post(f"{vendor.url}/settings/webhook/retry") as answer,
    ):
        assert answer.status == 200


async def _missed(
    database: Database, gateway: Gateway, vendor: Vendor, receiver: Receiver, jane: Person
) -> None:
    """A delivery ten minutes ago, which met nobody."""
    await people.started_query(database, jane, "network-1")
    await people.due_consolidated(database, jane)
    vendor.clock.ahead, receiver.away = -TEN_MINUTES, True
    await gateway.settle()
    await vendor.sandbox.background.idle()
    assert vendor.sandbox.sender.counts() == (0, 1)
    vendor.clock.ahead, receiver.away = 0.0, False


async def test_a_webhook_that_is_sent_again_after_its_link_died_leads_to_a_living_link(
    database: Database, gateway: Gateway, vendor: Vendor, receiver: Receiver, jane: Person
) -> None:
    """I4, I6: the application hears of one link, and can fetch the record with it."""
    _ends_at_once(vendor, times=2)
    await _missed(database, gateway, vendor, receiver, jane)
    await _send_failures_again(vendor)
    await vendor.sandbox.background.idle()
    assert await receiver.hear() == 1
    assert await kinds(database) == []
    await gateway.settle()
    await vendor.sandbox.background.idle()
    assert await receiver.hear() == 1
    first, second = vendor.calls(START)
    assert (first.path, first.query) == (second.path, second.query)
    assert await kinds(database) == ["ConsolidatedDataReady"]
    (link,) = await told(database, Topic.LINKS)
    async with ClientSession() as client, client.get(link.body["url"]) as answer:
        assert (answer.status, (await answer.json())["resourceType"]) == (200, "Bundle")
    assert link.body["linkId"] == (await only(database, "ConsolidatedDataReady"))["linkId"]


async def test_links_that_always_come_dead_are_asked_for_three_times(
    database: Database, gateway: Gateway, vendor: Vendor, receiver: Receiver, jane: Person
) -> None:
    """I4: as where Metriport's clock is far behind ours."""
    _ends_at_once(vendor, times=9)
    vendor.clock.ahead = -TEN_MINUTES
    await people.started_query(database, jane, "network-1")
    await people.due_consolidated(database, jane)
    for _ in range(3):
        await gateway.settle()
        await vendor.sandbox.background.idle()
        assert await receiver.hear() == 1
    await gateway.settle()
    assert len(vendor.calls(START)) == 3
    assert (await only(database, "ConsolidatedDataFailed"))["reason"] == "link_expired"
    assert await told(database, Topic.LINKS) == []


async def test_a_link_is_not_renewed_for_a_subject_who_lost_the_identity_before_the_call(
    database: Database, gateway: Gateway, vendor: Vendor, receiver: Receiver, jane: Person
) -> None:
    """I9: looked at again right before the call."""
    _ends_at_once(vendor, times=1)
    await _missed(database, gateway, vendor, receiver, jane)
    await _send_failures_again(vendor)
    await vendor.sandbox.background.idle()
    assert await receiver.hear() == 1
    await people.sql(database, "update identity set state = 'revoked'")
    await gateway.settle()
    assert len(vendor.calls(START)) == 1
    assert (await only(database, "ConsolidatedDataFailed"))["reason"] == "no_active_identity"


async def test_the_id_of_the_dead_request_is_not_taken_for_the_renewal(
    database: Database, gateway: Gateway, vendor: Vendor, receiver: Receiver, jane: Person
) -> None:
    """I4: Metriport gives a running id back; its webhook has come already, so no other will."""
    _ends_at_once(vendor, times=2)
    await _missed(database, gateway, vendor, receiver, jane)
    await _send_failures_again(vendor)
    await vendor.sandbox.background.idle()
    assert await receiver.hear() == 1
    (theirs,) = vendor.sandbox.state.consolidated_queries
    theirs.status = "processing"
    await gateway.settle()
    renewed = await people.row(database, "consolidated_query", renewals=1)
    assert (renewed["state"], renewed["vendor_request_id"]) == ("due", None)
    theirs.status = "completed"
    await make_due(database)
    await gateway.settle()
    await vendor.sandbox.background.idle()
    assert await receiver.hear() == 1
    assert await kinds(database) == ["ConsolidatedDataReady"]
