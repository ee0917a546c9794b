"""A double of the vendor on a real port, replicas of the gateway, and people who wait for news."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestServer

from schemas.ids import RequestId
from schemas.sources import Source
from service.crypto.keys import KeyRing
from service.gateway.claims import Claim
from service.gateway.client import open_client
from service.gateway.dispatcher import Dispatcher
from service.gateway.operations.common import Surroundings
from service.gateway.watch.watcher import Watcher
from service.settings.secret import Secret
from service.settings.watching import Watching
from service.store.pool import Database, open_database
from service.store.unit import Vault
from tests.metriport_sandbox import (
    DEFAULT_API_KEY,
    DEFAULT_FACILITY_ID,
    Sandbox,
    SandboxConfig,
    create_sandbox,
)
from tests.metriport_sandbox.ledger import Call
from tests.metriport_sandbox.scripts import Fault
from tests.metriport_sandbox.state import (
    Aal2Session,
    ConsolidatedQuery,
    Identity,
    NetworkQuery,
    Patient,
    SourceRow,
)
from tests.stack.postgres import EmbeddedPostgres
from tests.support import people
from tests.support.people import Person
from tests.support.plugin import SERVICE_ROLE
from tests.support.settings import LINK_KEY, PUBLIC_URL, metriport, rules

PATIENT = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"
"""As in the recorded webhooks."""

STATUS = "get-network-query"
CONSOLIDATED_STATUS = "get-consolidated-query"
NEXT = """
select min(due_at) - clock_timestamp() from vendor_call
where operation in ('get_network_query', 'get_consolidated_query') and state = 'due'
"""
ERRORED = {"failed": (500, "Unexpected error"), "refused": (400, "not enabled for this account")}


@dataclass(frozen=True)
class Vendor:
    """The double, and where it listens."""

    sandbox: Sandbox
    url: str

    def calls(self, operation: str = STATUS) -> list[Call]:
        """The calls that arrived."""
        return self.sandbox.ledger.of(operation)

    def fails(self, operation: str = STATUS, **how: Any) -> None:
        """Let the next call of an operation go wrong."""
        self.sandbox.scripts.faults.append(Fault(operation=operation, **{"kind": "status", **how}))

    def knows(self, who: Person) -> None:
        """Make the person's patient, identity and session known."""
        state = self.sandbox.state
        state.patients[who.patient_id] = Patient(
            id=who.patient_id,
            e_tag="0" * 32,
            facility_ids=[DEFAULT_FACILITY_ID],
            created=self.sandbox.now(),
            demographics={},
        )
        state.identities[who.proofed] = Identity(
            id=who.proofed, patient_id=who.patient_id, totp_secret="S"
        )
        state.aal2_sessions[who.session_secret] = Aal2Session(
            id=who.session_secret,
            identity_id=who.proofed,
            patient_id=who.patient_id,
            expires=self.sandbox.now() + 900,
        )

    def runs(self, who: Person, request_id: str, *, started: float = 0, **sources: str) -> None:
        """A network query at the vendor: each source with its status, ``failed`` ones with an error.

        ``started`` is in seconds from now.
        """
        began = self.sandbox.now() + started
        query = NetworkQuery(
            request_id=request_id,
            patient_id=who.patient_id,
            purpose="ias",
            started=began,
            metadata=None,
        )
        for source, word in sources.items():
            done = None if word == "processing" else began + 60
            status = "failed" if word in ERRORED else word
            query.sources.append(
                SourceRow(type=source, status=status, started=began, completed=done)
            )
            if word in ERRORED:
                code, text = ERRORED[word]
                error = {"source": source, "httpStatus": code, "message": text}
                query.errors.append(error)
        self.sandbox.state.network_queries[request_id] = query

    def delivers(self, who: Person, request_id: str, status: str) -> None:
        """A consolidated query at the vendor."""
        row = ConsolidatedQuery(
            request_id=request_id,
            patient_id=who.patient_id,
            started=self.sandbox.now(),
            parameters={"conversionType": "json"},
            status=status,
        )
        self.sandbox.state.consolidated_queries = [row]


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """The double; it must not have failed itself. It sends no webhooks."""
    config = SandboxConfig(allow_loopback=True, step_seconds=0.01, seed=7, webhook_url=None)
    sandbox = create_sandbox(config)
    async with TestServer(sandbox.app) as server:
        yield Vendor(sandbox, str(server.make_url("")).rstrip("/"))
    assert sandbox.background.failures == []


class Replica(Dispatcher):
    """A gateway whose rounds can be waited for, and which can die between commit and call."""

    dies = False
    watcher: Watcher

    def _spawn(self, claim: Claim) -> None:
        if not self.dies:
            super()._spawn(claim)

    async def settle(self) -> None:
        """One round, to the end of its calls."""
        await self.round()
        await self.drain(15)


Start = Callable[..., Awaitable[Replica]]


@pytest.fixture
async def start(
    database: Database,
    vendor: Vendor,
    vault: Vault,
    postgres: EmbeddedPostgres,
    migrated_database: str,
) -> AsyncIterator[Start]:
    """Start replicas; ``key``, connections of its ``own``, and the spacing can be changed."""
    async with AsyncExitStack() as stack:

        async def begin(*, key: str = DEFAULT_API_KEY, own: bool = False, **how: Any) -> Replica:
            settings = metriport(vendor.url, key, DEFAULT_FACILITY_ID, 5.0)
            watching = Watching(**how)
            around = Surroundings(
                facility_id=settings.facility_id,
                public_url=PUBLIC_URL,
                link_keys=KeyRing((LINK_KEY,)),
                rules=rules(),
                watching=watching,
            )
            used = database
            if own:
                url = Secret(postgres.dsn(migrated_database, user=SERVICE_ROLE))
                used = await stack.enter_async_context(open_database(url, 3, vault))
            client = await stack.enter_async_context(open_client(settings))
            replica = Replica(used, client, around, timeout=settings.timeout)
            replica.watcher = Watcher(used, watching)
            await replica.provide_slots()
            return replica

        yield begin


@pytest.fixture
async def gateway(start: Start) -> Replica:
    """A replica with the usual settings."""
    return await start()


@pytest.fixture
async def jane(database: Database, vendor: Vendor) -> Person:
    """Somebody whom the vendor knows and who may start an ias query."""
    who = await people.person(database, "jane", PATIENT)
    vendor.knows(who)
    return who


def request_id_of(moment: datetime) -> str:
    """A UUID of version 7 (RFC 9562, 5.7), as the vendor makes them."""
    milliseconds = int(moment.timestamp() * 1000)
    random = secrets.randbits(74)
    high, low = random >> 62, random & (2**62 - 1)
    return str(UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low))


async def running(
    database: Database, who: Person, *sources: Source, request_id: str | None = None
) -> tuple[RequestId, str]:
    """A query that the vendor accepted: our id and its."""
    theirs = request_id or request_id_of(datetime.now(UTC))
    asked = sources or people.ALL_SOURCES
    return await people.started_query(database, who, theirs, asked), theirs


async def let_time_pass(database: Database, by: timedelta) -> None:
    """Everything that was written about looks, and the slots of pacing, is so much older."""
    for table, column in (
        ("vendor_call", "due_at"),
        ("vendor_call", "lease_until"),
        ("network_query", "watched_at"),
        ("network_query", "deadline"),
        ("consolidated_query", "watched_at"),
        ("consolidated_query", "created_at"),
        ("pacing_slot", "usable_at"),
    ):
        await people.sql(database, f"update {table} set {column} = {column} - $1::interval", by)  # noqa: S608 - names of the tests' own


async def next_look(database: Database) -> timedelta | None:
    """How long until the next look is due, to the minute; ``None`` when none is."""
    wait = await _due_in(database)
    return None if wait is None else timedelta(minutes=round(wait / timedelta(minutes=1)))


async def _due_in(database: Database) -> timedelta | None:
    async with database.connection() as connection:
        wait: timedelta | None = await connection.fetchval(NEXT)
    return wait


async def look(database: Database, gateway: Replica, after: timedelta | None = None) -> None:
    """Put everything under watch, let time pass until looks are due (or so long), and make them."""
    await gateway.watcher.round()
    wait = await _due_in(database) or timedelta(0)
    await let_time_pass(database, after or wait + timedelta(seconds=0.1))
    await gateway.settle()


async def together(*replicas: Replica) -> None:
    """One round of each, at the same time."""
    await asyncio.gather(*(one.settle() for one in replicas))
