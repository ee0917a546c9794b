"""An application that uses the service: it sends commands, reads events and links, and has the pages
that people start from and return to. It knows the contract only as JSON."""

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote

from aiohttp import web
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.local.page import member_page, returned_page

Fields = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """One event or link as the application received it."""

    type: str
    id: str
    content: Fields


@dataclass
class Application:
    """Owns one producer, one consumer and its web pages. Use as an async context manager."""

    bootstrap_servers: str
    return_port: int
    prefix: str = ""
    host: str = "127.0.0.1"
    login: Fields = field(default_factory=dict)
    """More for its Kafka clients, where the broker asks who is there."""
    on_told: Callable[[Told], None] = lambda _: None
    on_sent: Callable[[str, Fields], None] = lambda _name, _content: None
    events: list[Told] = field(default_factory=list)
    links: dict[str, Fields] = field(default_factory=dict)
    returns: list[dict[str, str]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._changed = asyncio.Condition()
        where = {"bootstrap_servers": self.bootstrap_servers, **self.login}
        self._producer = AIOKafkaProducer(acks="all", **where)
        self._consumer = AIOKafkaConsumer(
            f"{self.prefix}ias.events.v1",
            f"{self.prefix}ias.links.v1",
            **where,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,
        )
        await self._producer.start()
        await self._consumer.start()
        self._reading = asyncio.create_task(self._read(), name="application")
        self._runner = web.AppRunner(self._web(), access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.return_port).start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._runner.cleanup()
        await self._consumer.stop()
        await self._producer.stop()

    @property
    def return_url(self) -> str:
        """Where people come back to."""
        return f"{self._origin}/return"

    def member_url(self, subject_id: str) -> str:
        """The page of one member. Who may see it is not asked: this application has no login."""
        return f"{self._origin}/members/{quote(subject_id, safe='')}"

    async def send(self, command: str, content: Fields, *, times: int = 1) -> str:
        """Send a command; the id it was sent under."""
        content = {"commandId": str(uuid.uuid4()), **content}
        key = str(content.get("subjectId", "")).encode()
        self.on_sent(command, content)
        for _ in range(times):
            await self.send_raw(f"ias.command.{command}", json.dumps(content).encode(), key)
        return str(content["commandId"])

    async def send_raw(self, kind: str, value: bytes, key: bytes = b"") -> tuple[int, int]:
        """Send any bytes as a command, with CloudEvents headers; partition and offset."""
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(uuid.uuid4()).encode()),
            ("ce_type", kind.encode()),
            ("ce_source", b"/example-application"),
            ("ce_time", datetime.now(UTC).isoformat().encode()),
            ("content-type", b"application/json"),
        ]
        topic = f"{self.prefix}ias.commands.v1"
        sent = await self._producer.send_and_wait(topic, value, key or None, headers=headers)
        return sent.partition, sent.offset

    async def event(
        self, kind: str, /, *, within: float = 30.0, skip: int = 0, **fields: Any
    ) -> Fields:
        """Wait for an event of the type with these fields; ``skip`` passes over earlier ones."""
        found: list[Told] = []

        def there() -> bool:
            found[:] = [told for told in self.events if _fits(told, f"ias.event.{kind}", fields)]
            return len(found) > skip

        await self._until(there, within, f"event {kind} {fields}")
        return found[skip].content

    async def link(self, link_id: str, *, within: float = 10.0) -> Fields:
        """Wait for the link that an event named."""
        await self._until(lambda: link_id in self.links, within, f"link {link_id}")
        return self.links[link_id]

    async def returned(self, reference: str, *, within: float = 600.0) -> dict[str, str]:
        """Wait until a browser came back to our page with this reference."""
        found: list[dict[str, str]] = []

        def there() -> bool:
            found[:] = [back for back in self.returns if back.get("reference") == reference]
            return bool(found)

        await self._until(there, within, "a browser on the application's page")
        return found[-1]

    async def _until(self, there: Callable[[], bool], within: float, what: str) -> None:
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(there)
        except TimeoutError:
            seen = [told.type for told in self.events]
            raise AssertionError(f"no {what} within {within} s; events so far: {seen}") from None

    async def _read(self) -> None:
        async for record in self._consumer:
            headers = {name: value.decode() for name, value in record.headers}
            told = Told(headers["ce_type"], headers["ce_id"], json.loads(record.value))
            async with self._changed:
                if told.type == "ias.link.Issued":
                    self.links[told.content["linkId"]] = told.content
                else:
                    self.events.append(told)
                self.on_told(told)
                self._changed.notify_all()

    @property
    def _origin(self) -> str:
        return f"http://{self.host}:{self.return_port}"

    def _web(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/members/{subject}", self._member)
        app.router.add_get("/return", self._back)
        return app

    async def _member(self, request: web.Request) -> web.Response:
        page = member_page(self._open_step(request.match_info["subject"]))
        return web.Response(text=page, content_type="text/html")

    async def _back(self, request: web.Request) -> web.Response:
        back = dict(request.query)
        async with self._changed:
            self.returns.append(back)
            self._changed.notify_all()
        link = self.links.get(back.get("reference", ""))
        known = (link["url"], self.member_url(link["subjectId"])) if link else (None, None)
        return web.Response(text=returned_page(back, *known), content_type="text/html")

    def _open_step(self, subject_id: str) -> str | None:
        """The link to the newest step of a member's that nobody came back from with success."""
        done = {back.get("reference") for back in self.returns if "outcome" not in back}
        steps = [
            str(link["url"])
            for link in self.links.values()
            if (link["subjectId"], link["kind"]) == (subject_id, "hosted_step")
            and link["linkId"] not in done
        ]
        return steps[-1] if steps else None


def _fits(told: Told, kind: str, fields: Fields) -> bool:
    return told.type == kind and all(told.content.get(key) == fields[key] for key in fields)
