"""What Postgres refuses never becomes a poison message, and its error texts tell no value (I6, I7)."""

import asyncio
import base64
import json
import logging
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from consumers.context import Context
from consumers.processor import Processor
from consumers.reading import Reader
from schemas.topics import Topic
from service.bus.received import Received
from service.crypto.keys import KeyRing
from service.crypto.sealing import Opener, Sealer, place
from service.store import inbox
from service.store.pool import TRANSIENT, Database
from service.telemetry.logs import describe_error
from tests.support import people, records
from tests.support.outbox import kinds, told
from tests.support.settings import (
    MAC_KEY,
    SEALING_PRIVATE_KEY,
    SEALING_PUBLIC_KEY,
    WEBHOOK_KEY,
    rules,
    web,
)

OPENER = Opener((SEALING_PRIVATE_KEY,))
SOON = 10.0
CANARY = "canary-6025550134"
NUL, SURROGATE = "a\x00b", "a\ud800b"
HUGE = 2**70
WEBHOOKS = (
    "network-query.hie.completed",
    "medical.consolidated-data.completed",
    "ias.identity.verified.variant-a-payload",
)


@pytest.fixture
def process(database: Database) -> Processor:
    """Handles one record to its end."""
    context = Context(rules=rules(), web=web(), sealer=Sealer(SEALING_PUBLIC_KEY), opener=OPENER)
    reader = Reader(OPENER, lambda: (WEBHOOK_KEY.encode(),), KeyRing((MAC_KEY,)))
    return Processor(database, reader, context)


async def _handled(process: Processor, record: Received) -> None:
    """A record that is tried for ever would never let the next one through."""
    async with asyncio.timeout(SOON):
        await process(record)


def _spoiled(content: Any, value: object) -> list[Any]:
    """The content as often as it has leaves, another leaf spoiled each time."""
    if isinstance(content, dict):
        return [
            {**content, name: inner} for name in content for inner in _spoiled(content[name], value)
        ]
    if isinstance(content, list):
        return [[inner, *content[1:]] for inner in _spoiled(content[0], value)] if content else []
    return [value]


@pytest.mark.parametrize("name", WEBHOOKS)
@pytest.mark.parametrize("value", [NUL, SURROGATE, HUGE, -HUGE], ids=["nul", "lone", "huge", "neg"])
async def test_a_signed_webhook_with_any_value_spoiled_lets_the_next_one_through(
    database: Database, process: Processor, name: str, value: object
) -> None:
    """I6: it takes effect, waits, or is put aside with its bytes; never tried for ever."""
    sent = []
    for body in _spoiled(records.sample(name), value):
        if body["meta"]["messageId"] != value:
            body["meta"] = {**body["meta"], "messageId": str(uuid4())}  # else it were a repeat
        record = records.webhook(json.dumps(body).encode(), ce_id=str(uuid4()))
        await _handled(process, record)
        sent.append(record.value)
    assert len(sent) > 5
    following = records.again(records.sample(name))
    await _handled(process, records.webhook(following))
    digest = inbox.digest(following["meta"]["messageId"])
    assert await people.count(database, "inbox", source="metriport", message_digest=digest) == 1
    kept = [
        OPENER.open(
            base64.b64decode(letter.body["sealed"]),
            place(Topic.DEAD_LETTERS, Topic.WEBHOOKS, letter.id),
        )
        for letter in await told(database, Topic.DEAD_LETTERS)
    ]
    assert kept
    assert set(kept) <= set(sent)


@pytest.mark.parametrize("value", [NUL, SURROGATE, HUGE], ids=["nul", "lone surrogate", "huge"])
async def test_a_command_with_any_value_spoiled_is_answered_or_put_aside(
    database: Database, process: Processor, value: object
) -> None:
    """I4, I6."""
    command = {
        "commandId": str(uuid4()),
        "subjectId": "jane",
        "patientId": "patient-j",
        "purpose": "ias",
        "metadata": {"order": "1"},
    }
    spoiled = _spoiled(command, value)
    assert len(spoiled) == 5
    for content in spoiled:
        raw = json.dumps(content).encode()
        await _handled(process, records.raw_command("ias.command.LinkPatient", raw))
    answered = await kinds(database)
    aside = await told(database, Topic.DEAD_LETTERS)
    waiting = await people.count(database, "vendor_call")
    assert len(answered) + waiting >= len(spoiled)
    assert answered.count("CommandRejected") + len(aside) >= 3


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("select $1::text", NUL),
        ("select $1::text", SURROGATE),
        ("select $1::bigint", HUGE),
        ("select $1::uuid", "no uuid"),
        ("select ($1::text)::jsonb", '"\\u0000"'),
    ],
)
async def test_a_value_that_postgres_refuses_is_not_taken_for_a_fault_that_passes(
    database: Database, sql: str, value: object
) -> None:
    """What would be repeated for ever is what this must not be."""
    async with database.connection() as connection:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - whichever it is
            await connection.fetchval(sql, value)
    assert not isinstance(raised.value, TRANSIENT)


async def test_a_unique_violation_is_told_without_its_value(database: Database) -> None:
    """I7: the text of Postgres holds the key; the log has SQLSTATE and constraint."""
    insert = "insert into pacing_slot (operation, slot, usable_at) values ($1, 1, now())"
    async with database.connection() as connection:
        await connection.execute(insert, CANARY)
        with pytest.raises(asyncpg.UniqueViolationError) as raised:
            await connection.execute(insert, CANARY)
    assert CANARY in f"{raised.value} {raised.value.as_dict()}"  # so there is something to hide
    shown = describe_error(raised.value)
    assert shown["sqlstate"] == "23505"
    assert shown["constraint_name"] == "pacing_slot_pkey"
    assert CANARY not in json.dumps(shown)


async def test_the_driver_logs_no_value_whatever_the_level(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """asyncpg and asyncio log under their own names; a statement that fails is no reason to."""
    caplog.set_level(logging.DEBUG)
    async with database.connection() as connection:
        with pytest.raises(asyncpg.PostgresError):
            await connection.fetchval("select $1::text::int", CANARY)
        assert await connection.fetchval("select $1::text", CANARY) == CANARY
    assert CANARY not in caplog.text
