"""The service around one database, but for Kafka and the ingress; the vendor's double answers over HTTP.

Handlers, dispatchers and relay are the product's own, each with the transactions that it has in production,
and several at a time. In Kafka's place a lane for each partition hands records to a processor in batches;
the relay publishes into an ear, as an application's. Nothing is woken by NOTIFY: relay and dispatchers look
twice a second, and then find more at once, which leaves the machine for more cases.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol, cast
from zlib import crc32

from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import TestServer

from consumers.context import Context
from consumers.processor import Processor
from consumers.reading import Reader
from consumers.sweeper import Sweeper
from schemas.topics import Topic
from service.bus.publisher import Publisher
from service.bus.received import Received
from service.bus.relay import Relay
from service.crypto.keys import KeyRing
from service.crypto.sealing import Opener, Sealer
from service.gateway.client import open_client
from service.gateway.dispatcher import Dispatcher
from service.gateway.operations.common import Surroundings
from service.gateway.pacing import Pace
from service.settings.pacing import Pacing
from service.settings.secret import Secret
from service.store.pool import Database, open_database
from service.store.unit import Vault
from tests.metriport_sandbox import (
    DEFAULT_API_KEY,
    DEFAULT_FACILITY_ID,
    Sandbox,
    SandboxConfig,
    create_sandbox,
)
from tests.support import settings
from tests.support.settings import rules, web

LANES: Final = 3
"""Partitions of each topic, each with a consumer of its own."""

GATEWAYS: Final = 2
PAGE_LIFETIME: Final = timedelta(seconds=20)
"""When a step ends between the click and its call, the sweeper tells the browser that no page comes."""

_TIMEOUT: Final = timedelta(seconds=20)
_AGAIN_SECONDS: Final = 0.05
_TOPICS: Final = (Topic.COMMANDS, Topic.CALLBACKS, Topic.WEBHOOKS)


class Publishing(Protocol):
    """What the relay needs of a publisher."""

    async def publish(
        self, topic: Topic, key: str, value: bytes | None, attributes: object
    ) -> None:
        """Returns when it is heard."""


@dataclass
class Lane:
    """One partition: records in order, as many at once as wait."""

    process: Processor
    waiting: asyncio.Queue[tuple[Received, asyncio.Future[None]]] = field(
        default_factory=asyncio.Queue
    )

    async def run(self) -> None:
        """Until cancelled."""
        batch: list[tuple[Received, asyncio.Future[None]]] = []
        while True:
            if not batch:
                batch.append(await self.waiting.get())
            while not self.waiting.empty():
                batch.append(self.waiting.get_nowait())
            done = await self.process.handle([record for record, _ in batch])
            for _, handled in batch[:done]:
                handled.set_result(None)
            del batch[:done]
            if not done:
                await asyncio.sleep(_AGAIN_SECONDS)


@dataclass
class House:
    """What people find: a service to send to, a browser's HTTP, and the vendor.

    ``database``: to look into, and not the service's own connections.
    """

    database: Database
    sandbox: Sandbox
    http: ClientSession
    lanes: dict[tuple[Topic, int], Lane] = field(default_factory=dict)

    async def take(self, record: Received, key: str, *, twice: bool = False) -> None:
        """Wait until its effect is committed; ``twice``: a second consumer has it at the same moment."""
        place = crc32(key.encode()) % LANES
        where = {place, (place + twice) % LANES}
        await asyncio.gather(*(self._put(record._replace(key=key.encode()), n) for n in where))

    async def _put(self, record: Received, number: int) -> None:
        handled = asyncio.get_running_loop().create_future()
        self.lanes[record.topic, number].waiting.put_nowait((record, handled))
        await handled


@asynccontextmanager
async def open_house(dsn: str, ear: Publishing, seed: int) -> AsyncIterator[House]:
    """On a migrated database, until the end of the block."""
    async with AsyncExitStack() as stack:
        sandbox, url = await stack.enter_async_context(_vendor(seed))
        http = await stack.enter_async_context(ClientSession(cookie_jar=DummyCookieJar()))
        vault = Vault(KeyRing((settings.ENCRYPTION_KEY,)))

        async def connect(size: int) -> Database:
            return await stack.enter_async_context(open_database(Secret(dsn), size, vault))

        house = House(await connect(8), sandbox, http)
        database = await connect(LANES * len(_TOPICS))
        house.lanes = {
            (topic, n): Lane(_processor(database)) for topic in _TOPICS for n in range(LANES)
        }
        relay = Relay(await connect(2), cast("Publisher", ear))
        gateways = [await _gateway(stack, await connect(10), url) for _ in range(GATEWAYS)]
        sweeper = Sweeper(await connect(2), rules(page_lifetime=PAGE_LIFETIME))
        work = [lane.run() for lane in house.lanes.values()]
        work.append(sweeper.run())
        work += [relay.run(asyncio.Event()), *(one.run(asyncio.Event()) for one in gateways)]
        await stack.enter_async_context(_beside(work))
        yield house


@asynccontextmanager
async def _vendor(seed: int) -> AsyncIterator[tuple[Sandbox, str]]:
    """Without limits, since pace is another campaign's. It keeps its webhooks, for people to deliver."""
    config = SandboxConfig(
        allow_loopback=True,
        webhook_url=None,
        step_seconds=0,
        aal2_session_seconds=1e6,
        limits={},
        seed=seed,
    )
    sandbox = create_sandbox(config)
    async with TestServer(sandbox.app) as server:
        yield sandbox, str(server.make_url("")).rstrip("/")


def _processor(database: Database) -> Processor:
    context = Context(
        rules=rules(openings_per_hour=1000),
        web=web(),
        sealer=Sealer(settings.SEALING_PUBLIC_KEY),
        opener=Opener((settings.SEALING_PRIVATE_KEY,)),
    )
    keys = (settings.WEBHOOK_KEY.encode(),)
    reader = Reader(context.opener, lambda: keys, KeyRing((settings.MAC_KEY,)))
    return Processor(database, reader, context)


async def _gateway(stack: AsyncExitStack, database: Database, url: str) -> Dispatcher:
    how = settings.metriport(url, DEFAULT_API_KEY, DEFAULT_FACILITY_ID, _TIMEOUT.total_seconds())
    around = Surroundings(
        facility_id=how.facility_id,
        public_url=settings.PUBLIC_URL,
        link_keys=KeyRing((settings.LINK_KEY,)),
        rules=rules(),
    )
    pace = Pace(limits=Pacing(per_day=10_000_000), window=timedelta(milliseconds=1))
    client = await stack.enter_async_context(open_client(how))
    gateway = Dispatcher(database, client, around, timeout=_TIMEOUT, pace=pace)
    await gateway.provide_slots()
    return gateway


@asynccontextmanager
async def _beside(work: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """What never ends by itself runs until the end of the block, and ends it when it fails."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
