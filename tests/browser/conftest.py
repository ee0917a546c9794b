"""One deployment for the session, three sites to a browser; a browser for each test."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.browser.chromium import needed
from tests.browser.seen import Seen
from tests.browser.visitor import Guest, Visitor
from tests.local.deployment import Deployment
from tests.processes.scene import Scene, open_scene, somebody
from tests.stack.broker import Broker
from tests.stack.postgres import EmbeddedPostgres
from tests.support.deploying import deployed

WITHIN_MS = 15_000
MakeGuest = Callable[..., Awaitable[Guest]]


class ThreeSites(Deployment):
    """No name is a part of another: a browser keeps their cookies apart, and knows who came from where."""

    application_host = "app.localhost"
    vendor_host = "metriport.localhost"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path, or the reason why the test is skipped."""
    return needed()


@pytest.fixture(scope="session")
def deployment(
    request: pytest.FixtureRequest,
    chromium: str,  # noqa: ARG001 - nothing is started in vain
    postgres: EmbeddedPostgres,
    broker: Broker,
) -> Iterator[Deployment]:
    """Every role as a process of its own, and the double."""
    with deployed(
        request,
        "browser",
        (postgres, broker),
        more={"DELIVERY_HEALER": "false"},
        sandbox=("--patient-limit", "1000", "--limit", "write-patient=1000"),
        kind=ThreeSites,
    ) as started:
        yield started


@pytest.fixture
async def scene(deployment: Deployment) -> AsyncIterator[Scene]:
    """The application and the vendor's control API for one test."""
    async with open_scene(deployment) as opened:
        yield opened


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Chromium, without a window."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium)
        yield started
        await started.close()


@pytest.fixture
async def guest(scene: Scene, browser: Browser) -> AsyncIterator[MakeGuest]:
    """Make a member of the application with a browser of their own; options are the context's."""
    async with AsyncExitStack() as stack:

        async def make(
            name: str = "guest", *, like: Visitor | None = None, **options: Any
        ) -> Guest:
            context = await browser.new_context(**options) if like is None else like.page.context
            if like is None:
                stack.push_async_callback(context.close)
            return await _member(scene, context, name)

        yield make


async def _member(scene: Scene, context: BrowserContext, name: str) -> Guest:
    context.set_default_timeout(WITHIN_MS)
    visitor = Visitor(await context.new_page(), Seen().watch(context))
    member = Guest(scene.application, visitor, f"{name}-{uuid.uuid4()}", demographics=somebody())
    visitor.home = scene.application.member_url(member.subject_id)
    return member
