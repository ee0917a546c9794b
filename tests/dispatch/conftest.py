"""A double of the vendor on a real port, and dispatchers that call it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from service.crypto.keys import KeyRing
from service.gateway.claims import Claim
from service.gateway.client import open_client
from service.gateway.dispatcher import Dispatcher
from service.gateway.operations.common import Surroundings
from service.gateway.pacing import Pace
from service.settings.pacing import Pacing
from service.store.pool import Database
from tests.metriport_sandbox import (
    DEFAULT_API_KEY,
    DEFAULT_FACILITY_ID,
    Sandbox,
    SandboxConfig,
    create_sandbox,
)
from tests.metriport_sandbox.ledger import Call
from tests.metriport_sandbox.state import Aal2Session, Identity, Patient
from tests.support import people
from tests.support.people import Person
from tests.support.settings import LINK_KEY, PUBLIC_URL, metriport, rules

TIMEOUT_SECONDS = 5.0
DEMOGRAPHICS: dict[str, Any] = {"firstName": "Jane", "lastName": "Smith", "dob": "1996-02-10"}


@dataclass
class Clock:
    """The vendor's, which a test may set forward."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass(frozen=True)
class Vendor:
    """The double, and where it listens."""

    sandbox: Sandbox
    url: str
    clock: Clock

    def calls(self, operation: str) -> list[Call]:
        """The calls that arrived."""
        return self.sandbox.ledger.of(operation)

    def patient(self, patient_id: str) -> Patient:
        """Make a patient known to the vendor."""
        known = Patient(
            id=patient_id,
            e_tag="0" * 32,
            facility_ids=[DEFAULT_FACILITY_ID],
            created=self.sandbox.now(),
            demographics=DEMOGRAPHICS,
        )
        return self.sandbox.state.patients.setdefault(patient_id, known)

    def knows(self, who: Person) -> None:
        """Make the person's patient, identity and session known to the vendor."""
        state = self.sandbox.state
        self.patient(who.patient_id)
        state.identities[who.proofed] = Identity(
            id=who.proofed, patient_id=who.patient_id, totp_secret="S"
        )
        state.aal2_sessions[who.session_secret] = Aal2Session(
            id=who.session_secret,
            identity_id=who.proofed,
            patient_id=who.patient_id,
            expires=self.sandbox.now() + 900,
        )


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """The double; it must not have failed itself. Background work of queries never ends."""
    clock = Clock()
    sandbox = create_sandbox(
        SandboxConfig(
            allow_loopback=True, step_seconds=600.0, seed=7, webhook_url=None, clock=clock
        )
    )
    async with TestServer(sandbox.app) as server:
        yield Vendor(sandbox, str(server.make_url("")).rstrip("/"), clock)
    assert sandbox.background.failures == []


class Gateway(Dispatcher):
    """A dispatcher whose rounds can be waited for, and which can die between commit and call."""

    dies = False

    def _spawn(self, claim: Claim) -> None:
        if not self.dies:
            super()._spawn(claim)

    async def settle(self, rounds: int = 1) -> None:
        """Do rounds, each to the end of its calls."""
        for _ in range(rounds):
            await self.round()
            await self.drain(15)


Start = Callable[..., Awaitable[Gateway]]


@pytest.fixture
async def start(database: Database, vendor: Vendor) -> AsyncIterator[Start]:
    """Start dispatchers; ``url``, ``key``, ``seconds`` and any rule can be changed."""
    async with AsyncExitStack() as stack:

        async def begin(
            *,
            url: str = vendor.url,
            key: str = DEFAULT_API_KEY,
            seconds: float = TIMEOUT_SECONDS,
            limits: Pacing | None = None,
            kind: type[Gateway] = Gateway,
            **changed_rules: Any,
        ) -> Gateway:
            settings = metriport(url, key, DEFAULT_FACILITY_ID, seconds)
            around = Surroundings(
                facility_id=settings.facility_id,
                public_url=PUBLIC_URL,
                link_keys=KeyRing((LINK_KEY,)),
                rules=rules(**changed_rules),
            )
            client = await stack.enter_async_context(open_client(settings))
            gateway = kind(
                database,
                client,
                around,
                timeout=timedelta(seconds=seconds),
                pace=Pace(limits=limits or Pacing()),
            )
            await gateway.provide_slots()
            return gateway

        yield begin


@pytest.fixture
async def gateway(start: Start) -> Gateway:
    """A dispatcher with the usual settings."""
    return await start()


@pytest.fixture
async def jane(database: Database, vendor: Vendor) -> Person:
    """Somebody whom the vendor knows and who may start an ias query."""
    who = await people.person(database, "jane", "patient-j")
    vendor.knows(who)
    return who


async def make_due(database: Database) -> None:
    """Let every postponed call be due now."""
    await people.sql(database, "update vendor_call set due_at = now() where state = 'due'")


async def let_probe(database: Database) -> None:
    """Let the refused key be probed now."""
    await people.sql(database, "update dispatch_stop set probe_at = now()")


async def let_try(database: Database) -> None:
    """Let every open circuit be probed, and every half open one have its trial, now."""
    await people.sql(database, "update circuit set wait_until = now()")


async def run_out(database: Database) -> None:
    """Let every lease end."""
    await people.sql(
        database,
        "update vendor_call set lease_until = now() - interval '1 second'"
        " where state = 'dispatching'",
    )


async def state_of(database: Database, query_id: object) -> str:
    """Where a network query stands."""
    return str((await people.row(database, "network_query", query_id=query_id))["state"])


async def together(*gateways: Gateway) -> None:
    """One round of each, at the same time."""
    await asyncio.gather(*(one.settle() for one in gateways))
