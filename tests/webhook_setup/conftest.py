"""A double of the vendor, an ingress, and the command's steps between them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from consumers.webhook_setup import steps
from consumers.webhook_setup.key_file import KeyFile
from consumers.webhook_setup.steps import Patience
from consumers.webhook_setup.telling import Telling
from consumers.webhook_setup.vendor import VendorAccount
from service.gateway.client import VendorClient, open_client
from service.settings.metriport import Metriport
from service.settings.secret import Secret
from tests.metriport_sandbox import DEFAULT_API_KEY, Sandbox, SandboxConfig, create_sandbox
from tests.webhook_setup.receiver import Receiver, receiving

SOON = Patience(most=0.0, settle=0.2)
"""One ping, which is answered within the same event loop long before."""


PATIENT = Patience(most=20.0, settle=0.1)
"""For what comes to be verified, however slow the machine is."""


@dataclass
class Setup:
    """One account at the vendor, and what the command said so far."""

    sandbox: Sandbox
    client: VendorClient
    account: VendorAccount
    file: KeyFile
    said: list[str]

    def __post_init__(self) -> None:
        self.tell = Telling(self.said.append)

    async def register(self, url: str, *, replace: bool = False) -> int:
        """As ``webhook register``, until the vendor has nothing more to send."""
        code = await steps.register(self.account, url, self.file, self.tell, replace=replace)
        await self.sandbox.background.idle()
        return code

    async def verify(self, patience: Patience = SOON) -> int:
        """As ``webhook verify``."""
        return await steps.verify(self.account, self.tell, patience)

    async def rotate(self, account: VendorAccount | None = None) -> int:
        """As ``webhook rotate-key``, until the vendor has nothing more to send."""
        code = await steps.rotate(account or self.account, self.file, self.tell)
        await self.sandbox.background.idle()
        return code

    async def status(self, file: KeyFile | None = None) -> int:
        """As ``webhook status``."""
        return await steps.status(self.account, file, self.tell)

    @property
    def key(self) -> str:
        """The vendor's key of now."""
        key = self.sandbox.state.settings.webhook_key
        assert key is not None
        return key

    @property
    def url(self) -> str | None:
        """The vendor's URL of now."""
        return self.sandbox.state.settings.webhook_url

    def posted(self) -> list[str]:
        """The bodies of every Update Settings."""
        return [call.body for call in self.sandbox.ledger.of("update-settings")]


Start = Callable[..., Awaitable[Setup]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start a double with the given configuration. No line that was said may hold a key (I7)."""
    async with AsyncExitStack() as stack:
        started: list[Setup] = []

        async def begin(**changes: Any) -> Setup:
            values: dict[str, Any] = {"allow_loopback": True, "retry_pause_seconds": 0.0}
            sandbox = create_sandbox(SandboxConfig(**(values | changes)))
            server = await stack.enter_async_context(TestServer(sandbox.app))
            client = await stack.enter_async_context(
                open_client(metriport(str(server.make_url("")).rstrip("/")))
            )
            file = KeyFile(tmp_path / f"keys-{len(started)}")
            account = VendorAccount(client, pause=no_pause)
            started.append(Setup(sandbox, client, account, file, []))
            return started[-1]

        yield begin
        for setup in started:
            assert setup.sandbox.background.failures == []
            for key in (*setup.file.keys(), setup.sandbox.state.settings.webhook_key):
                assert key is None or not [line for line in setup.said if key in line]


@pytest.fixture
async def setup(start: Start) -> Setup:
    """An account without a webhook."""
    return await start()


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Receiver]:
    """An ingress that has no key of the vendor's yet."""
    async with receiving(tmp_path / "mounted") as running:
        yield running


def metriport(url: str, api_key: str = DEFAULT_API_KEY) -> Metriport:
    """Settings that lead to the double."""
    return Metriport(
        api_url=url,
        api_key=Secret(api_key),
        facility_id="0199a001-2b7c-7d10-8e55-0c1d2e3f4a5b",
        timeout=timedelta(seconds=5),
    )


async def no_pause(_seconds: float) -> None:
    """Repeat at once."""
