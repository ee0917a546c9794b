"""An ingress as its process runs it, with a fake lookup of hosted pages."""

import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from aiohttp import ClientResponse, ClientSession
from yarl import URL

from consumers.processes.lifecycle import serve, tasks
from schemas.ids import OpenId
from service.bus.publisher import Publisher
from service.crypto.sealing import Sealer
from service.ingress.app import public_app
from service.ingress.breaker import Breaker
from service.ingress.durability import KAFKA_SECONDS, InKafka, InSpool, KafkaElseSpool
from service.ingress.records import Recorder
from service.settings.roles import IngressSettings, Role, load
from service.store.hosted_pages import HostedPage
from service.store.late import LateDatabase
from tests.ingress import vendor
from tests.ingress.opening import KEYS
from tests.local.person import LoopbackJar
from tests.stack.ports import free_port
from tests.support.waiting import until

WEBHOOK_PATH = "/webhooks/metriport"
NOWHERE = "127.0.0.1:1"
"""A port on which nobody listens."""


def ingress_settings(
    bootstrap_servers: str,
    prefix: str = "",
    *,
    webhook_keys: tuple[str, ...] = (vendor.KEY, vendor.OLD_KEY),
    http_port: int | None = None,
) -> IngressSettings:
    """The settings of the role, read from an environment as the process reads them."""
    environ = ingress_environ(
        bootstrap_servers, prefix, webhook_keys=webhook_keys, http_port=http_port
    )
    settings = load(Role.INGRESS, environ)
    assert isinstance(settings, IngressSettings)
    return settings


def ingress_environ(
    bootstrap_servers: str,
    prefix: str = "",
    *,
    webhook_keys: tuple[str, ...] = (vendor.KEY, vendor.OLD_KEY),
    http_port: int | None = None,
) -> dict[str, str]:
    """The environment of the role, with the keys of these tests."""
    return {
        "DATABASE_URL": f"postgresql://nobody:canary-of-a-password@{NOWHERE}/none",
        "HTTP_PORT": str(http_port or free_port()),
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": prefix,
        "METRIPORT_WEBHOOK_KEYS": ",".join(webhook_keys),
        "PUBLIC_URL": "https://ias.example.com",
        "RETURN_URL_ALLOWLIST": "https://app.example.com/ias/return",
        **{name: KEYS[name] for name in ("LINK_KEYS", "SEALING_PUBLIC_KEY", "CALLBACK_MAC_KEYS")},
    }


@dataclass
class FakePages:
    """What the gateway has made of clicks so far."""

    rows: dict[UUID, HostedPage] = field(default_factory=dict)

    async def find(self, open_id: OpenId) -> HostedPage | None:
        """See ``FindPage``."""
        return self.rows.get(open_id)


@dataclass
class Ingress:
    """A running ingress and one browser without redirects."""

    port: int
    publisher: Publisher
    browser: ClientSession
    pages: FakePages

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str) -> ClientResponse:
        """One GET of the browser, read to its end."""
        return await self._request("GET", path)

    async def post(self, path: str) -> ClientResponse:
        """One POST of the browser."""
        return await self._request("POST", path)

    async def deliver(self, body: bytes, signature: str | None = None) -> ClientResponse:
        """A webhook as the vendor sends it, signed with today's key unless told otherwise."""
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/plain, */*",
            "user-agent": "Metriport API",
            vendor.SIGNATURE: vendor.sign(body) if signature is None else signature,
        }
        return await self.deliver_with(body, headers)

    async def deliver_with(self, body: bytes, headers: dict[str, str]) -> ClientResponse:
        """A webhook with exactly these headers of its own."""
        return await self._request("POST", WEBHOOK_PATH, data=body, headers=headers)

    async def _request(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> ClientResponse:
        response = await self.browser.request(
            method,
            URL(f"{self.url}{path}", encoded=True),
            data=data and io.BytesIO(data),  # aiohttp warns of large plain bytes
            headers=headers,
            allow_redirects=False,
        )
        await response.read()  # to its end, which gives the connection back
        return response


@asynccontextmanager
async def running(settings: IngressSettings, *, connected: bool = True) -> AsyncIterator[Ingress]:
    """As ``consumers.processes.ingress`` wires it, but without a database: the spool takes nothing.

    Returns when the producer is connected.
    """
    publisher, pages = Publisher(settings.kafka, deadline=KAFKA_SECONDS), FakePages()
    sealer = Sealer(settings.sealing.public_key)
    no_database = LateDatabase(settings.database.url, 1)
    durable = KafkaElseSpool(
        InKafka(publisher), InSpool(no_database.connection, sealer), Breaker(time.monotonic)
    )
    app = public_app(
        webhook_keys=settings.webhooks.keys.current,
        link_keys=settings.web.link_keys,
        recorder=Recorder(sealer, settings.sealing.mac_keys),
        durable=durable,
        find_page=pages.find,
    )
    port = settings.process.http_port
    async with (
        tasks(producer=publisher.run()),
        serve(app, "127.0.0.1", port),
        ClientSession(cookie_jar=LoopbackJar(unsafe=True)) as browser,
    ):
        if connected:
            await until(lambda: publisher.is_connected)
        yield Ingress(port, publisher, browser, pages)
