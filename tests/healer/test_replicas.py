"""Replicas against the double: one leader, only while every ingress is well, paced."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from service.gateway.client import VendorClient, open_client
from service.gateway.healer.healer import Healer
from service.settings.healing import Healing
from service.store import healer
from service.store.pool import Database
from tests.metriport_sandbox import (
    DEFAULT_API_KEY,
    DEFAULT_FACILITY_ID,
    Sandbox,
    SandboxConfig,
    create_sandbox,
)
from tests.metriport_sandbox.scripts import Fault
from tests.support import people
from tests.support.outbox import kinds
from tests.support.settings import metriport
from tests.support.waiting import until

TIMEOUT = timedelta(seconds=5)


@dataclass
class Receiver:
    """Takes webhooks while it is up."""

    up: bool = False
    taken: int = 0

    async def take(self, _request: web.Request) -> web.Response:
        """One webhook."""
        self.taken += self.up
        return web.Response(status=200 if self.up else 503)


@dataclass
class Scene:
    """The double, its receiver, and a client of the gateway's."""

    sandbox: Sandbox
    receiver: Receiver
    client: VendorClient
    database: Database

    def replica(self, *, enabled: bool = True) -> Healer:
        """A replica of the healer."""
        return Healer(self.database, self.client, Healing(enabled=enabled), TIMEOUT)

    async def fail(self, count: int) -> None:
        """Let so many webhooks fail."""
        _, before = self.sandbox.sender.counts()
        for _ in range(count):
            self.sandbox.sender.emit("message.status", {}, request_id=None, metadata=None)
        await until(lambda: self.sandbox.sender.counts() == (0, before + count))

    def resends(self) -> int:
        """How often it was asked to send again."""
        return len(self.sandbox.ledger.of("retry-webhooks"))

    async def beat(self, ingress_id: UUID, *, good: bool = True) -> None:
        """One heartbeat of an ingress."""
        async with self.database.connection() as connection:
            await healer.beat(connection, ingress_id, good=good)

    async def well(self) -> UUID:
        """An ingress that has been well for a minute."""
        ingress_id = uuid4()
        await self.beat(ingress_id)
        await people.sql(
            self.database, "update ingress_heartbeat set good_since = now() - interval '1 minute'"
        )
        return ingress_id

    async def later(self, by: timedelta) -> None:
        """So much time passes for the healer and its slots; every ingress goes on beating."""
        for table, column in (
            ("delivery_healer", "next_at"),
            ("delivery_healer", "lease_until"),
            ("delivery_healer", "looked_at"),
            ("delivery_healer", "resent_at"),
            ("ingress_heartbeat", "good_since"),
            ("pacing_slot", "usable_at"),
        ):
            aged = f"update {table} set {column} = {column} - $1::interval"  # noqa: S608 - our own names
            await people.sql(self.database, aged, by)


@pytest.fixture
async def scene(database: Database) -> AsyncIterator[Scene]:
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/webhooks", receiver.take)
    async with TestServer(app) as listening:
        config = SandboxConfig(
            allow_loopback=True,
            webhook_url=str(listening.make_url("/webhooks")),
            retry_pause_seconds=0,
            seed=7,
        )
        sandbox = create_sandbox(config)
        async with TestServer(sandbox.app) as server:
            settings = metriport(str(server.make_url("")), DEFAULT_API_KEY, DEFAULT_FACILITY_ID, 5)
            async with open_client(settings) as client:
                yield Scene(sandbox, receiver, client, database)


async def test_what_failed_arrives_without_a_human_once_the_ingress_is_back(scene: Scene) -> None:
    """I1: one of three replicas asks once, and it is told what came of it."""
    await scene.fail(4)
    replicas = [scene.replica() for _ in range(3)]
    assert [await one.round() for one in replicas] == [False] * 3  # no ingress, so no look
    scene.receiver.up = True
    await scene.well()
    assert sum(await asyncio.gather(*(one.round() for one in replicas))) == 1
    await until(lambda: scene.sandbox.sender.counts() == (0, 0))
    assert (scene.resends(), scene.receiver.taken) == (1, 4)
    await scene.later(timedelta(minutes=1, seconds=1))
    assert sum([await one.round() for one in replicas]) == 1
    assert scene.resends() == 1
    assert await kinds(scene.database) == ["DeliveriesHealed"]


async def test_nothing_is_asked_while_an_ingress_is_not_well_for_half_a_minute(
    scene: Scene,
) -> None:
    await scene.fail(1)
    one = scene.replica()
    await scene.well()
    other = uuid4()
    await scene.beat(other, good=False)
    assert not await one.round()
    await scene.beat(other)
    assert not await one.round()
    await scene.later(timedelta(seconds=31))
    assert await one.round()
    assert scene.resends() == 1


async def test_that_no_ingress_has_ever_spoken_is_shown(scene: Scene) -> None:
    """I6: nothing would be healed, and nobody would know."""
    one = scene.replica()
    with capture_logs() as logs:
        for _ in range(2):
            await one.round()
        assert REGISTRY.get_sample_value("ias_ingress_not_well") == 1
        await scene.well()
        await one.round()
    assert REGISTRY.get_sample_value("ias_ingress_not_well") == 0
    told = [line["well"] for line in logs if line["event"] == "healer.ingress_changed"]
    assert told == [False, True]


async def test_a_resend_that_was_refused_is_not_counted_as_asked(scene: Scene) -> None:
    """Else the count, which cannot fall, would count as a fruitless re-send."""
    await scene.fail(1)
    await scene.well()
    fault = Fault(operation="retry-webhooks", kind="status", status=400, times=1)
    scene.sandbox.scripts.faults.append(fault)
    one = scene.replica()
    assert await one.round()
    row = await people.row(scene.database, "delivery_healer")
    assert (row["expecting"], row["resent_at"], row["fruitless"]) == (None, None, 0)
    scene.receiver.up = True
    await scene.later(timedelta(minutes=1, seconds=1))
    assert await one.round()
    await until(lambda: scene.sandbox.sender.counts() == (0, 0))


async def test_an_ingress_that_falls_silent_is_not_well_and_is_gone_after_thirty_seconds(
    scene: Scene,
) -> None:
    await scene.fail(1)
    one = scene.replica()
    silent = await scene.well()
    await scene.well()
    age = "update ingress_heartbeat set seen_at = seen_at - interval '16 seconds' where ingress_id = $1"
    await people.sql(scene.database, age, silent)
    assert not await one.round()
    await people.sql(scene.database, age, silent)
    assert await one.round()


async def test_a_look_comes_as_soon_as_an_ingress_is_back_and_else_after_the_pause(
    scene: Scene,
) -> None:
    one, ingress_id = scene.replica(), await scene.well()
    assert await one.round()
    await scene.later(timedelta(minutes=5))
    assert not await one.round()
    await scene.beat(ingress_id, good=False)
    await scene.fail(1)
    await scene.beat(ingress_id)
    assert not await one.round()
    await scene.later(timedelta(seconds=31))
    await people.sql(
        scene.database, "update delivery_healer set looked_at = now() - interval '5 minutes'"
    )
    assert await one.round()
    assert scene.resends() == 1


async def test_the_turn_of_a_replica_that_died_is_taken_by_another(scene: Scene) -> None:
    await scene.fail(1)
    well = await scene.well()
    async with scene.database.transaction() as unit:
        since = await healer.well_since(unit)
        assert since is not None
        assert await healer.take_turn(unit, timedelta(seconds=70), since) is not None
    one = scene.replica()
    assert not await one.round()
    await scene.later(timedelta(seconds=71))
    await scene.beat(well)
    assert await one.round()
    assert scene.resends() == 1


async def test_what_fails_again_is_asked_for_after_a_longer_pause(scene: Scene) -> None:
    await scene.fail(2)
    one, _ = scene.replica(), await scene.well()
    asked = []
    for _ in range(8):
        await one.round()
        await until(lambda: scene.sandbox.sender.counts() == (0, 2))
        asked.append(scene.resends())
        await scene.later(timedelta(seconds=61))
    assert asked == [1, 1, 2, 2, 2, 2, 3, 3]


async def test_one_setting_turns_it_off(scene: Scene) -> None:
    """A replica that is off asks nothing for as long as one that is on needs to ask."""
    await scene.fail(1)
    await scene.well()
    running = [asyncio.create_task(scene.replica(enabled=on).run()) for on in (False, True)]
    try:
        await until(lambda: scene.resends() == 1)
        running[1].cancel()
        await scene.later(timedelta(minutes=20))
        await people.sql(scene.database, "update ingress_heartbeat set seen_at = now()")
        with pytest.raises(TimeoutError):
            await until(lambda: len(scene.sandbox.ledger.of("get-webhook-status")) > 1, within=0.5)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
