"""Revocation beside a call or a webhook: real connections, and a lock that one of them waits for."""

import asyncio
from functools import partial
from typing import Any
from uuid import uuid4

from consumers.commands import revoke_identity
from consumers.context import Context
from consumers.processor import Processor
from schemas.commands import RevokeIdentity
from schemas.ids import CommandId
from service.store import commands, subjects
from service.store.pool import Database
from service.store.unit import Unit
from tests.dispatch.conftest import Gateway, Vendor, make_due, run_out, state_of
from tests.metriport_sandbox.scripts import Fault
from tests.support import people, records
from tests.support.outbox import kinds, only
from tests.support.people import Person
from tests.support.waiting import blocked, until

QUERY = "start-network-query"


def _command(who: Person) -> RevokeIdentity:
    return RevokeIdentity(
        command_id=CommandId(uuid4()),
        subject_id=who.subject_id,
        patient_id=who.patient_id,
        reason="asked for",
    )


async def _revoke(unit: Unit, context: Context, who: Person) -> None:
    """What the consumer does, inside a transaction that the test holds open."""
    command = _command(who)
    await subjects.lock_or_create(unit, who.subject_id)
    await commands.accept(unit, "ias.command.RevokeIdentity", command)
    await revoke_identity.handle(unit, context, command)


async def _is_dispatching(database: Database) -> bool:
    return await people.count(database, "vendor_call", state="dispatching") == 1


async def test_a_claim_that_waits_for_the_revocation_makes_no_call(
    database: Database, context: Context, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I2: due when the revocation began, revoked when the claim got its lock."""
    await people.due_query(database, jane)
    async with database.transaction() as unit:
        await _revoke(unit, context, jane)
        claim = asyncio.create_task(gateway.settle())
        await blocked(partial(people.waiting_for_locks, database))
    await claim
    assert vendor.calls(QUERY) == []
    assert await kinds(database) == ["NetworkQueryRefused", "IdentityRevoked"]


async def test_a_due_call_whose_identity_was_revoked_by_any_way_is_not_made(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I2: the claim looks for itself, even if nobody had ended the query."""
    query_id = await people.due_query(database, jane)
    await people.sql(database, "update identity set state = 'revoked'")
    await gateway.settle()
    assert vendor.calls(QUERY) == []
    assert await state_of(database, query_id) == "refused"


async def test_a_call_under_way_is_recorded_and_only_its_end_is_told(
    database: Database, process: Processor, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I9: its intent came first. The vendor accepts; nobody hears more than that it ended."""
    query_id = await people.due_query(database, jane)
    vendor.sandbox.scripts.faults.append(Fault(operation=QUERY, kind="delay-answer", seconds=1.0))
    calling = asyncio.create_task(gateway.settle())
    await until(partial(_is_dispatching, database))
    await process(records.command(_command(jane)))
    assert await state_of(database, query_id) == "dispatching"
    await calling
    assert len(vendor.calls(QUERY)) == 1
    assert await state_of(database, query_id) == "started"
    assert await kinds(database) == ["NetworkQueryRefused", "IdentityRevoked"]
    assert (await people.row(database, "aal2_session"))["state"] == "refused"
    await process(records.webhook(await _news(database, query_id, jane)))
    assert await kinds(database) == ["NetworkQueryRefused", "IdentityRevoked"]
    source = await people.row(database, "network_query_source", source="hie")
    assert source["status"] == "completed"
    assert (await people.row(database, "network_query"))["hie_slot"] is False


async def test_a_call_that_never_reported_back_is_not_told_about_after_the_revocation(
    database: Database, process: Processor, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I4: one final event, the refusal; an unknown outcome is known to us alone."""
    query_id = await people.due_query(database, jane)
    gateway.dies = True
    await gateway.round()
    await process(records.command(_command(jane)))
    await run_out(database)
    await gateway.settle()
    assert await state_of(database, query_id) == "unknown"
    assert await kinds(database) == ["NetworkQueryRefused", "IdentityRevoked"]
    assert vendor.calls(QUERY) == []


async def test_a_call_that_was_not_sent_is_not_sent_after_the_revocation(
    database: Database, process: Processor, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I4: the call came back as not made, and is due again (as ``NOT_SENT`` leaves it)."""
    query_id = await people.due_query(database, jane)
    gateway.dies = True
    await gateway.round()
    await process(records.command(_command(jane)))
    await people.sql(
        database,
        "update vendor_call set state = 'due', lease_until = null, due_at = now()",
    )
    await people.sql(database, "update network_query set state = 'due', hie_slot = false")
    gateway.dies = False
    await make_due(database)
    await gateway.settle(2)
    assert vendor.calls(QUERY) == []
    assert await state_of(database, query_id) == "refused"
    assert await kinds(database) == ["NetworkQueryRefused", "IdentityRevoked"]


async def test_a_webhook_that_waits_for_the_revocation_binds_nothing(
    database: Database, context: Context, process: Processor, jane: Person
) -> None:
    """I2, I6: the person proved who they are a moment too late."""
    async with database.transaction() as unit:
        pending = await people.verifying(unit, jane.subject_id, jane.patient_id)
    body = records.sample("ias.identity.verified.variant-a-payload")
    body["meta"]["data"] = {"iasVerificationId": str(pending.verification_id)}
    body["payload"] |= {"patientId": jane.patient_id, "proofedIdentityId": "pid-late"}
    async with database.transaction() as unit:
        await _revoke(unit, context, jane)
        binding = asyncio.create_task(process(records.webhook(body)))
        await blocked(partial(people.waiting_for_locks, database))
    await binding
    assert await people.count(database, "identity", state="active") == 0
    assert await people.count(database, "unbound_identity", reason="revoked") == 1
    assert (await only(database, "IdentityVerificationFailed"))["reason"] == "revoked"


async def _news(database: Database, query_id: object, who: Person) -> Any:
    row = await people.row(database, "network_query", query_id=query_id)
    news = records.sample("network-query.hie.completed")
    news["meta"]["requestId"] = row["vendor_request_id"]
    news["payload"]["patientId"] = who.patient_id
    return news
