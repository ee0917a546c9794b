"""One test's cast: an application, its members with their browsers, and the vendor to look at."""

import asyncio
import itertools
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from tests.local.application import Application, Fields, Told
from tests.local.deployment import ROLES, Deployment
from tests.local.journey import JANE, SOURCES, Journey
from tests.local.person import Person
from tests.local.settings import API_KEY, LocalSettings
from tests.processes.vendor import Vendor

_days = itertools.count()
_METRIC = re.compile(r"^ias_messages_total\{(?P<labels>.*)\} (?P<value>\S+)$", re.MULTILINE)


def somebody() -> Fields:
    """Demographics of somebody the vendor does not know: another date of birth never matches."""
    return JANE | {"dob": str(date(1940, 1, 1) + timedelta(days=next(_days)))}


@dataclass
class Member(Journey):
    """One subject, driven step by step."""

    patient_id: str = ""

    @property
    def person(self) -> Person:
        """The member's own browser and authenticator."""
        assert isinstance(self.browser, Person)
        return self.browser

    async def registered(self, purpose: str = "ias") -> "Member":
        """Step 1."""
        self.patient_id = await self.register(purpose)
        return self

    async def proofed(self) -> "Member":
        """Steps 1 and 2."""
        await self.registered()
        await self.verify_identity(self.patient_id)
        return self

    async def ready(self) -> "Member":
        """Steps 1 to 3."""
        await self.proofed()
        await self.answer_challenge(self.patient_id)
        return self

    async def start_query(self, **more: Any) -> str:
        """Send StartNetworkQuery for individual access; its command id."""
        fields = {"patientId": self.patient_id, "sources": SOURCES, "purposeOfUse": "ias"}
        return await self.send("StartNetworkQuery", **(fields | more))

    async def told(self, event: str, command_id: str, **more: Any) -> Fields:
        """Wait for the event that a command of ours led to."""
        return await self.application.event(event, commandId=command_id, **more)

    async def still_works(self) -> None:
        """The next good command is acted on."""
        command = await self.send(
            "StartIdentityVerification",
            patientId=self.patient_id,
            returnUrl=self.application.return_url,
        )
        await self.step_link(command)

    def events(self) -> list[Told]:
        """Every event of this subject, as it came."""
        return [
            told for told in self.application.events if told.content["subjectId"] == self.subject_id
        ]

    def distinct(self) -> list[Told]:
        """The subject's events without repeats."""
        return list({told.id: told for told in self.events()}.values())

    def names(self) -> list[str]:
        """The types of the distinct events, in order."""
        return [told.type.removeprefix("ias.event.") for told in self.distinct()]


@dataclass
class Scene:
    """What a test needs."""

    deployment: Deployment
    application: Application
    vendor: Vendor
    _stack: AsyncExitStack = field(repr=False)

    async def member(self, name: str, *, like: Member | None = None, times: int = 1) -> Member:
        """A subject with a browser; ``like`` another: with the same demographics."""
        browser = await self._stack.enter_async_context(Person(refresh_seconds=0.05))
        return Member(
            application=self.application,
            browser=browser,
            subject_id=f"{name}-{uuid.uuid4()}",
            times=times,
            demographics=somebody() if like is None else like.demographics,
        )

    def sql(self, statement: str) -> str:
        """Run SQL on the deployment's database as the superuser."""
        return self.deployment.postgres.execute(statement, database=self.deployment.database)

    def count(self, table: str, member: Member | None = None, **fields: str) -> int:
        """How many rows of a table are of this member and have these fields."""
        wanted = fields if member is None else {"subject_id": member.subject_id, **fields}
        where = " and ".join(f"{name} = '{value}'" for name, value in wanted.items()) or "true"
        return int(self.sql(f"select count(*) from {table} where {where}"))  # noqa: S608 - our words

    async def until(self, there: Callable[[], bool], what: str, within: float = 10.0) -> None:
        """Wait for a condition."""
        end = time.monotonic() + within
        while not there():
            assert time.monotonic() < end, f"not within {within} s: {what}"
            await asyncio.sleep(0.05)

    async def calls_done(self) -> None:
        """Wait until no vendor call is due or under way, but for looks at a status, which come later."""
        open_calls = (
            "select count(*) from vendor_call where state in ('due', 'dispatching')"
            " and operation not in ('get_network_query', 'get_consolidated_query')"
        )

        def none() -> bool:
            return int(self.sql(open_calls)) == 0

        await self.until(none, "every vendor call is done")

    async def relayed(self) -> None:
        """Wait until the outbox is empty."""
        await self.until(lambda: self.count("outbox") == 0, "empty outbox")

    async def handled(self, topic: str, result: str) -> int:
        """How many messages of a topic ended so in the consumers, since they were started."""
        port = self.deployment.settings.internal_ports["consumers"]
        async with self.vendor.http.get(f"http://127.0.0.1:{port}/metrics") as answer:
            text = await answer.text()
        wanted = (f'topic="{topic}"', f'result="{result}"')
        found = [
            float(match["value"])
            for match in _METRIC.finditer(text)
            if all(label in match["labels"] for label in wanted)
        ]
        return int(sum(found))

    async def handled_more(self, topic: str, result: str, before: int, more: int) -> None:
        """Wait until so many more messages ended so."""
        end = time.monotonic() + 20.0
        while (now := await self.handled(topic, result)) < before + more:
            assert time.monotonic() < end, f"{now - before} of {more} {topic} {result}"
            await asyncio.sleep(0.05)

    async def stop(self, role: str) -> int:
        """SIGTERM; the exit code, or a failure when it takes longer than 15 s."""
        return await asyncio.to_thread(self.deployment.processes[role].terminate, 15.0)

    async def start(self, role: str, more: dict[str, str] | None = None) -> None:
        """Start a role again and wait until it is ready."""
        self.deployment.start_role(role, more)
        await asyncio.to_thread(self.deployment.wait_ready, role)

    @asynccontextmanager
    async def restarted(self, role: str, more: dict[str, str]) -> AsyncIterator[None]:
        """Inside, the role runs with other settings."""
        await self.stop(role)
        await self.start(role, more)
        try:
            yield
        finally:
            await self.stop(role)
            await self.start(role)


@asynccontextmanager
async def open_scene(deployment: Deployment) -> AsyncIterator[Scene]:
    """A scene on a running deployment."""
    settings = deployment.settings
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(ClientSession())
        application = await stack.enter_async_context(application_of(settings))
        vendor = Vendor(http, settings.sandbox_url, API_KEY)
        await vendor.reset()
        await revive(scene := Scene(deployment, application, vendor, stack))
        a_minute_passes(scene)
        yield scene


def application_of(settings: LocalSettings) -> Application:
    """The application whose return URL the deployment allows."""
    url = URL(settings.return_url)
    assert url.host
    assert url.port
    return Application(settings.bootstrap_servers, url.port, settings.topic_prefix, url.host)


async def revive(scene: Scene) -> None:
    """Start what a failed test left stopped."""
    for role in ROLES:
        if not scene.deployment.processes[role].is_running:
            await scene.start(role)


def a_minute_passes(scene: Scene) -> None:
    """Make every pacing slot usable: tests share one account, and a minute is long."""
    scene.sql("update pacing_slot set usable_at = now()")


def text_of(events: list[Told]) -> str:
    """Events as one text, to search in."""
    return "\n".join(json.dumps(told.content) for told in events)
