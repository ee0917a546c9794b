"""Metriport dies in the middle of a re-send: what it dropped it never sends again, and looks find it (I4).

Its re-send takes all failures out of its table before it sends the first (vendor's code), so no later one
selects them. Time is simulated: what the database knows of times is made older, step by step; looks, healer
and pace are as they are set in production.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from consumers.processor import Processor
from schemas.sources import Source
from service.gateway.client import open_client
from service.gateway.healer.healer import Healer
from service.settings.healing import Healing
from service.store import healer
from service.store.pool import Database
from tests.metriport_sandbox import DEFAULT_API_KEY, DEFAULT_FACILITY_ID
from tests.metriport_sandbox.sender import WebhookRow
from tests.support import people, records
from tests.support.outbox import kinds
from tests.support.settings import WEBHOOK_KEY, metriport
from tests.support.waiting import until

from .conftest import Replica, Vendor, let_time_pass

QUERIES = 10
"""Two looks a minute are made, so that of many more the last are found later than ``GOAL``."""

SOURCES = (Source.PHARMACY, Source.LAB)
DELIVERED = 3
"""Webhooks of the re-send that arrive before it ends."""

STEP = timedelta(seconds=15)
GOAL = timedelta(minutes=15)
AGED = (
    ("delivery_healer", "next_at"),
    ("delivery_healer", "lease_until"),
    ("delivery_healer", "looked_at"),
    ("delivery_healer", "resent_at"),
    ("ingress_heartbeat", "good_since"),
)


@dataclass
class Ingress:
    """Takes webhooks while it is up; with the last of ``taking`` the vendor dies."""

    vendor: Vendor
    process: Processor
    up: bool = False
    taken: int = 0
    taking: int = DELIVERED

    async def take(self, request: web.Request) -> web.Response:
        """One webhook."""
        if not self.up:
            return web.Response(status=503)
        await self.process(records.webhook(await request.json()))
        self.taken += 1
        if self.taken == self.taking:
            self.vendor.sandbox.background.lose("webhook retry")
        return web.Response()


@pytest.fixture
async def ingress(vendor: Vendor, process: Processor) -> AsyncIterator[Ingress]:
    """The vendor knows where it is; nobody listens yet."""
    ingress, app = Ingress(vendor, process), web.Application()
    app.router.add_post("/webhooks", ingress.take)
    async with TestServer(app) as listening:
        known = vendor.sandbox.state.settings
        known.exists, known.webhook_key = True, WEBHOOK_KEY
        known.webhook_url = str(listening.make_url("/webhooks"))
        yield ingress


@pytest.fixture
async def healing(database: Database, vendor: Vendor) -> AsyncIterator[Healer]:
    settings = metriport(vendor.url, DEFAULT_API_KEY, DEFAULT_FACILITY_ID, 5.0)
    async with open_client(settings) as client:
        yield Healer(database, client, Healing(enabled=True), settings.timeout)


def _rows(vendor: Vendor, status: str) -> list[WebhookRow]:
    return [row for row in vendor.sandbox.sender.rows if row.status == status]


async def _refused_queries(database: Database, gateway: Replica, vendor: Vendor) -> None:
    """So many begin while no ingress is there, and end at the vendor."""
    for number in range(QUERIES):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        vendor.knows(who)
        vendor.sandbox.state.patients[who.patient_id].demographics["firstName"] = "Pat"
        await people.due_query(database, who, SOURCES)
    await gateway.settle()
    await until(lambda: len(_rows(vendor, "failure")) == QUERIES * len(SOURCES))
    await gateway.watcher.round()


async def _step(database: Database, gateway: Replica, healing: Healer) -> None:
    """A quarter of a minute; the ingress goes on beating."""
    await let_time_pass(database, STEP)
    for table, column in AGED:
        await people.sql(database, f"update {table} set {column} = {column} - $1::interval", STEP)  # noqa: S608 - our own names
    await people.sql(database, "update ingress_heartbeat set seen_at = clock_timestamp()")
    await healing.round()
    await gateway.watcher.round()
    await gateway.settle()


async def _finished(database: Database) -> int:
    return (await kinds(database)).count("NetworkQueryFinished")


async def _crash(
    database: Database, gateway: Replica, ingress: Ingress, healing: Healer, vendor: Vendor
) -> None:
    """The ingress comes back, the healer asks, and the vendor dies over it."""
    ingress.up = True
    async with database.connection() as connection:
        await healer.beat(connection, uuid4(), good=True)
    for _ in range(8):
        await _step(database, gateway, healing)
        if vendor.calls("retry-webhooks"):
            break
    await until(lambda: ingress.taken == DELIVERED)


async def test_what_a_vendor_that_died_over_its_re_send_dropped_is_found_in_a_quarter_of_an_hour(
    database: Database, gateway: Replica, ingress: Ingress, healing: Healer, vendor: Vendor
) -> None:
    await _refused_queries(database, gateway, vendor)
    await _crash(database, gateway, ingress, healing, vendor)
    assert (len(_rows(vendor, "failure")), len(vendor.calls())) == (0, 0)
    assert await _finished(database) < QUERIES / 2
    passed = timedelta(0)
    while await _finished(database) < QUERIES:
        assert passed < GOAL, f"{await _finished(database)} of {QUERIES}"
        await _step(database, gateway, healing)
        passed += STEP
    assert passed > timedelta(minutes=5), "by looks: nothing else brought it"
    assert len(vendor.calls("retry-webhooks")) == 1
    assert ingress.taken == DELIVERED
    assert (await kinds(database)).count("NetworkQuerySourceUpdated") == QUERIES * len(SOURCES)
