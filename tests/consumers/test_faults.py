"""Transient faults are waited out; a defect of ours is put aside and holds nobody up (I1, I6)."""

import asyncio
import base64
import json
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from consumers import routing
from consumers.processor import Processor
from schemas.commands import StartAal2Challenge, StartNetworkQuery
from schemas.ids import CommandId
from schemas.sources import PurposeOfUse, SourceSelection
from schemas.topics import Topic
from service.crypto.sealing import Opener, place
from service.store.pool import Database
from service.telemetry.logs import explain_exception, redact
from tests.stack.postgres import EmbeddedPostgres
from tests.support import people, records
from tests.support.outbox import bodies, kinds, only, told
from tests.support.people import Person
from tests.support.settings import RETURN_URL, SEALING_PRIVATE_KEY
from tests.support.waiting import until

NAMED = b'{"subjectId": "jane", "commandId": "7f6de1ce-92c0-4d33-8d1f-8f14a3a9c0a1"}'
CANARY = "canary-6025550134"


@pytest.fixture
async def jane(database: Database) -> Person:
    return await people.person(database, "jane", "patient-j")


def _query(who: Person) -> StartNetworkQuery:
    return StartNetworkQuery(
        command_id=CommandId(uuid4()),
        subject_id=who.subject_id,
        patient_id=who.patient_id,
        sources=SourceSelection(hie=True),
        purpose_of_use=PurposeOfUse.IAS,
    )


async def test_a_killed_connection_is_waited_out_and_the_record_acts_once(
    database: Database, process: Processor, jane: Person
) -> None:
    """I1: the backend is killed while the handler waits for the subject's row."""

    async def is_blocked() -> bool:
        return await people.waiting_for_locks(database) == 1

    async with database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("select from subject where subject_id = 'jane' for update")
        working = asyncio.create_task(process(records.command(_query(jane))))
        await until(is_blocked)
        await people.sql(
            database,
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'",
        )
        await transaction.rollback()
    async with asyncio.timeout(10):
        await working
    assert await kinds(database) == ["NetworkQueryQueued"]
    assert await people.count(database, "vendor_call") == 1
    assert await told(database, Topic.DEAD_LETTERS) == []


async def test_a_restart_of_postgres_is_waited_out_and_the_record_acts_once(
    postgres: EmbeddedPostgres, database: Database, process: Processor, jane: Person
) -> None:
    """I1: every connection of the pool is dead, then nobody listens, then it starts."""
    postgres.crash()
    with capture_logs() as lines:
        working = asyncio.create_task(process(records.command(_query(jane))))
        await until(lambda: "consumer.waits_for_database" in [line["event"] for line in lines])
    postgres.restart()
    async with asyncio.timeout(15):
        await working
    assert await kinds(database) == ["NetworkQueryQueued"]
    assert await people.count(database, "vendor_call") == 1


async def test_a_handlers_defect_puts_the_record_aside_and_the_next_one_flows(
    database: Database,
    process: Processor,
    jane: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I6, I7: sealed, with a code for a reason; the exception's text is nowhere."""

    async def broken(*_: object) -> None:
        raise ValueError(CANARY)

    handlers: dict[Any, Any] = {**routing.COMMAND_HANDLERS, StartNetworkQuery: broken}
    monkeypatch.setattr(routing, "COMMAND_HANDLERS", handlers)
    record = records.command(_query(jane))
    with capture_logs() as lines:
        await process(record)
        await process(record)  # the same record again, as after a failed commit of its offset
    following = StartAal2Challenge(
        command_id=CommandId(uuid4()),
        subject_id=jane.subject_id,
        patient_id=jane.patient_id,
        return_url=RETURN_URL,
    )
    await process(records.command(following))
    assert await kinds(database) == ["CommandRejected", "UserActionRequired"]
    assert (await only(database, "CommandRejected"))["reason"] == "handler_failed"
    (letter,) = await told(database, Topic.DEAD_LETTERS)
    assert letter.body["reason"] == "handler_failed"
    where = place(Topic.DEAD_LETTERS, record.topic, letter.id)
    sealed = base64.b64decode(letter.body["sealed"])
    assert Opener((SEALING_PRIVATE_KEY,)).open(sealed, where) == record.value
    said = json.dumps([one.body for one in await told(database)]) + json.dumps(letter.body)
    assert CANARY not in said
    assert "consumer.handler_failed" in [line["event"] for line in lines]
    shown = [redact(None, "", explain_exception(None, "", line)) for line in lines]
    assert "ValueError" in str(shown)
    assert CANARY not in str(shown)


@pytest.mark.parametrize(
    ("kind", "value", "reason", "field"),
    [
        ("ias.command.Unheard", NAMED, "unknown_command", None),
        ("ias.command.LinkPatient", NAMED, "invalid_field", "patientId"),
        ("ias.command.LinkPatient", b"nonsense", "invalid_field", None),
    ],
)
async def test_a_broken_command_is_answered(
    database: Database,
    process: Processor,
    kind: str,
    value: bytes,
    reason: str,
    field: str | None,
) -> None:
    """I4: under its subject where that can be read, else by its position."""
    record = records.raw_command(kind, value)
    await process(record)
    await process(record)
    (event,) = await bodies(database, "CommandRejected")
    assert (event["reason"], event["offset"]) == (reason, record.offset)
    assert event["subjectId"] == ("jane" if b"jane" in value else "unreadable")
    if field is not None:
        assert event["field"] == field
    letters = await told(database, Topic.DEAD_LETTERS)
    assert len(letters) == (0 if b"jane" in value else 1)


async def test_a_repeated_command_acts_once_and_is_answered_the_same(
    database: Database, process: Processor, jane: Person
) -> None:
    """I3."""
    command = _query(jane)
    for _ in range(3):
        await process(records.command(command))
    assert await people.count(database, "vendor_call") == 1
    assert await kinds(database) == ["NetworkQueryQueued"]
