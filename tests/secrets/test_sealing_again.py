"""Sealed rows move to the newest public key, written by the code that really writes them (I6, I7)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg
import pytest

from consumers import holding, stopping
from consumers.context import Context
from consumers.processor import Processor
from consumers.reading import Reader, RejectedError, kind_of
from consumers.reencrypt import Keys, rotate
from consumers.reencrypt_report import report
from consumers.unparking import Unparker
from schemas.cloudevents import DATAREF, Attributes
from schemas.reasons import Reason
from schemas.topics import Topic
from service.bus.received import Received
from service.bus.spooling import SpooledRecord, open_record, seal_record
from service.crypto.keys import KeyRing
from service.crypto.sealing import Opener, Sealer, place
from service.ingress.large import REFER_ABOVE, LargeAside
from service.ingress.records import OutRecord
from service.store import held, spool
from service.store.pool import Database
from service.store.resealing import SEALED
from tests.secrets.rotating import (
    BOTH_OPENER,
    KEYS,
    NEW_OPENER,
    NEW_SEALER,
    OLD,
    OLD_SEALER,
    Opening,
)
from tests.stack.postgres import EmbeddedPostgres
from tests.support import people, records
from tests.support.outbox import kinds
from tests.support.settings import MAC_KEY, SEALING_PRIVATE_KEY, WEBHOOK_KEY, rules, web

OLD_OPENER = Opener((SEALING_PRIVATE_KEY,))
SAME_RING = Keys(OLD, BOTH_OPENER, NEW_SEALER)
WRITTEN = ("parked_webhook", "unbound_identity", "spool", "held_record", "large_body")
ATTRIBUTES = Attributes(id="1", type="metriport.x", source="/metriport/webhooks")


@dataclass
class Kept:
    """A durable store that only remembers."""

    records: list[OutRecord] = field(default_factory=list)

    async def keep(self, record: OutRecord) -> None:
        self.records.append(record)


@pytest.fixture
def opening(postgres: EmbeddedPostgres, migrated_database: str) -> Opening:
    return Opening(postgres, migrated_database)


@pytest.fixture
async def live(opening: Opening) -> AsyncIterator[Database]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(opening.with_keys(OLD))


def _context(sealer: Sealer, opener: Opener) -> Context:
    return Context(rules=rules(), web=web(), sealer=sealer, opener=opener)


def _processor(database: Database, sealer: Sealer, opener: Opener) -> Processor:
    reader = Reader(opener, lambda: (WEBHOOK_KEY.encode(),), KeyRing((MAC_KEY,)))
    return Processor(database, reader, _context(sealer, opener))


async def _park(database: Database) -> tuple[str, str]:
    """A network query's webhook whose request nobody knows; its patient and request."""
    body = records.sample("network-query.hie.completed")
    await _processor(database, OLD_SEALER, OLD_OPENER)(records.webhook(body))
    return body["payload"]["patientId"], body["meta"]["requestId"]


async def _unbound(database: Database) -> None:
    """A proofed identity of a patient whom nobody is linked to."""
    body = records.sample("ias.identity.verified.variant-a-payload")
    await _processor(database, OLD_SEALER, OLD_OPENER)(records.webhook(body))


async def _spool(database: Database, *, stuck: bool = False) -> UUID:
    record_id = uuid4()
    record = SpooledRecord(Topic.WEBHOOKS, "key", b"body", ATTRIBUTES)
    async with database.connection() as connection:
        sealed = seal_record(OLD_SEALER, record_id, record)
        await spool.insert(connection, [(record_id, sealed)])
    if stuck:
        await people.sql(database, "update spool set stuck = true")
    return record_id


async def _hold(database: Database) -> Received:
    """A record of a type that is stopped."""
    record = records.webhook(records.sample("network-query.hie.failed"))
    async with database.transaction() as unit:
        error = RejectedError(Reason.HANDLER_FAILED, "the handler failed")
        await stopping.stop(unit, kind_of(record), error)
        await holding.hold(unit, OLD_SEALER, record)
    return record


async def _large(database: Database) -> tuple[UUID, bytes]:
    body = b"x" * (REFER_ABOVE + 1)
    kept = Kept()
    record = OutRecord(Topic.WEBHOOKS, "key", body, ATTRIBUTES)
    await LargeAside(database.connection, OLD_SEALER, kept).keep(record)
    (told,) = kept.records
    return UUID(told.attributes.extensions[DATAREF].rpartition(":")[2]), body


async def test_every_sealed_column_is_sealed_again(owner: asyncpg.Connection) -> None:
    """A new table with sealed rows cannot be forgotten."""
    rows = await owner.fetch(
        "select c.table_name from information_schema.columns c"
        " join pg_class t on t.relname = c.table_name and not t.relispartition"
        " where c.table_schema = 'public' and c.column_name = 'sealed'"
    )
    assert {row["table_name"] for row in rows} == {table.table for table in SEALED}


async def test_what_waits_sealed_opens_with_the_new_key_alone(live: Database) -> None:
    """I6: parked webhooks, unbound identities, spooled records and large bodies."""
    patient_id, request_id = await _park(live)
    await _unbound(live)
    record_id = await _spool(live)
    record = await _hold(live)
    body_id, body = await _large(live)
    async with live.connection() as connection:
        before = await report(connection, OLD, NEW_SEALER)
    left = {one.table: one.left for one in before.counted if one.left}
    assert left == dict.fromkeys(WRITTEN, 1)

    await rotate(live, SAME_RING, lambda _: None, batch=10)

    async with live.connection() as connection:
        assert (await report(connection, OLD, NEW_SEALER)).is_done
    spooled = await people.row(live, "spool", record_id=record_id)
    assert open_record(NEW_OPENER, record_id, spooled["sealed"]).value == b"body"
    async with live.transaction() as unit:
        (kept,) = await held.oldest(unit, kind_of(record), 10)
    assert holding.open_held(NEW_OPENER, kept).value == record.value
    large = await people.row(live, "large_body", body_id=body_id)
    where = place("large_body", Topic.WEBHOOKS, str(body_id))
    assert NEW_OPENER.open(large["sealed"], where) == body
    unbound = await people.row(live, "unbound_identity")
    where = place("unbound_identity", "ias.identity.verified", unbound["message_id"])
    assert b"ias.identity.verified" in NEW_OPENER.open(unbound["sealed"], where)

    who = await people.person(live, patient=patient_id)
    query_id = await people.due_query(live, who)
    await people.sql(
        live,
        "update network_query set vendor_request_id = $2, state = 'started' where query_id = $1",
        query_id,
        request_id,
    )
    unparker = Unparker(live, _context(NEW_SEALER, NEW_OPENER))
    assert await unparker.round()
    assert await people.count(live, "parked_webhook") == 0
    assert "NetworkQuerySourceUpdated" in await kinds(live)


async def test_a_spooled_row_that_was_put_aside_for_want_of_its_key_goes_on(
    live: Database,
) -> None:
    """I6: the ingress had a new public key before the consumers had its private one."""
    record_id = await _spool(live, stuck=True)
    await rotate(live, SAME_RING, lambda _: None, batch=10)
    row = await people.row(live, "spool", record_id=record_id)
    assert row["stuck"] is False


async def test_a_row_that_no_key_opens_stays_and_is_reported(live: Database) -> None:
    """I6: nothing is dropped, and the run ends."""
    record_id = await _spool(live)
    before = await people.row(live, "spool", record_id=record_id)
    await rotate(live, KEYS._replace(ring=OLD, opener=NEW_OPENER), lambda _: None, batch=10)
    assert await people.row(live, "spool", record_id=record_id) == before
    async with live.connection() as connection:
        found = await report(connection, OLD, NEW_SEALER)
    assert "SEALING_PRIVATE_KEYS: 1 rows under old keys: KEEP them" in found.text()
