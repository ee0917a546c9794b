"""A handler that does not end is given up; a slow database never is (I1, I4, I6)."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from consumers import hanging, routing
from consumers.context import Context
from consumers.processor import Processor
from consumers.reading import Reader, RejectedError, kind_of
from consumers.resuming import Resumer
from consumers.stopping import stop
from consumers.unparking import Unparker
from schemas.reasons import Reason
from schemas.topics import Topic
from service.bus.received import Received
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import bodies, kinds, only, told

HIE, LAB = "network-query.hie", "network-query.lab"


def _webhook(number: int, kind: str = HIE) -> Received:
    body = records.sample("network-query.hie.completed")
    request = {"requestId": f"request-{number}", "messageId": str(uuid4()), "type": kind}
    body["meta"] |= request | {"data": None}
    body["payload"] |= {"patientId": f"patient-{number}"}
    body["payload"]["source"] = {"type": kind.rpartition(".")[2], "status": "completed"}
    return records.webhook(body)._replace(key=f"patient-{number}".encode())


async def _people(database: Database, count: int) -> None:
    for number in range(count):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        await people.started_query(database, who, f"request-{number}")


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts another handler into the place of one, with 0.1 s to end, and takes it away again."""
    monkeypatch.setattr(hanging, "MOST_STATEMENTS", 20)
    genuine, seconds = routing.WEBHOOK_HANDLERS, hanging.HANDLER_SECONDS

    def put(other: Any) -> None:
        monkeypatch.setattr(hanging, "HANDLER_SECONDS", 0.1 if other else seconds)
        handlers = genuine if other is None else {**genuine, HIE: other}
        monkeypatch.setattr(routing, "WEBHOOK_HANDLERS", handlers)

    return put


@pytest.fixture
def make_resumer(database: Database, reader: Reader, context: Context) -> Callable[[], Resumer]:
    """The resumer of a process that has just started."""
    return lambda: Resumer(database, reader, context)


async def _drain(process: Processor, waiting: list[Received]) -> None:
    while waiting:
        waiting = waiting[await process.handle(waiting) :]


async def _never(*_: object) -> None:
    await asyncio.Event().wait()


async def _asks_for_ever(unit: Any, *_: object) -> None:
    while True:
        await unit.conn.fetchval("select 1")


async def _waits_for_the_database(unit: Any, *__: object) -> None:
    for _ in range(15):
        await unit.conn.fetchval("select 1 from pg_sleep(0.02)")


def _hangs(kind: str = f"metriport.{HIE}") -> float:
    labels = {"topic": Topic.WEBHOOKS.value, "type": kind}
    return REGISTRY.get_sample_value("ias_handler_hangs_total", labels) or 0.0


@pytest.mark.parametrize("defect", [_never, _asks_for_ever])
async def test_a_handler_that_hangs_is_given_up_told_and_blocks_nobody(
    database: Database, process: Processor, handler: Any, defect: Any
) -> None:
    """I6: after three attempts it is in the dead letters, and what comes after it flows."""
    await _people(database, 2)
    handler(defect)
    before, record = _hangs(), _webhook(0)
    async with asyncio.timeout(20):
        await _drain(process, [record, _webhook(1, LAB)])
    assert _hangs() == before + 3
    (letter,) = await told(database, Topic.DEAD_LETTERS)
    assert (letter.body["reason"], letter.body["offset"]) == ("handler_failed", record.offset)
    assert (await only(database, "NetworkQuerySourceUpdated"))["patientId"] == "patient-1"
    handler(None)
    await process(record._replace(offset=record.offset + 1000))  # Metriport sends it again
    assert len(await bodies(database, "NetworkQuerySourceUpdated")) == 2


async def test_a_handler_that_hung_once_takes_effect_when_it_ends_the_next_time(
    database: Database, process: Processor, handler: Any
) -> None:
    """I1: nothing of the attempt that was given up stays."""
    await _people(database, 1)
    handler(_never)
    record = _webhook(0)
    assert await process.handle([record]) == 0
    handler(None)
    assert await process.handle([record]) == 1
    assert await kinds(database) == ["NetworkQuerySourceUpdated"]
    assert await told(database, Topic.DEAD_LETTERS) == []


async def test_a_slow_database_is_waited_out_however_often(
    database: Database, process: Processor, handler: Any
) -> None:
    """I1: each answer comes in time and the handler never does; nothing is concluded from that."""
    await _people(database, 1)
    handler(_waits_for_the_database)
    before, record = _hangs(), _webhook(0)
    assert [await process.handle([record]) for _ in range(3)] == [0] * 3
    assert _hangs() == before
    handler(None)
    assert await process.handle([record]) == 1
    assert await kinds(database) == ["NetworkQuerySourceUpdated"]
    assert await told(database, Topic.DEAD_LETTERS) == []


async def test_a_type_whose_handler_hangs_for_many_is_stopped_and_kept_until_it_works(
    database: Database, process: Processor, make_resumer: Any, handler: Any
) -> None:
    """I4, I6: as any other defect; and trying it again does not hang either. A restart mends it."""
    await _people(database, 6)
    handler(_never)
    async with asyncio.timeout(60):
        await _drain(process, [_webhook(number) for number in range(6)])
        assert await people.count(database, "held_record") == 2
        resumer: Resumer = make_resumer()
        for _ in range(4):
            await resumer.round()
    assert await people.count(database, "held_record") == 2
    handler(None)
    await make_resumer().round()
    assert await people.count(database, "stopped_type") == 0
    told_of = {body["patientId"] for body in await bodies(database, "NetworkQuerySourceUpdated")}
    assert told_of == {"patient-4", "patient-5"}


async def test_what_hangs_alone_among_what_was_kept_ends_in_the_dead_letters(
    database: Database, process: Processor, make_resumer: Any, handler: Any
) -> None:
    """I6: it does not keep its type stopped."""
    await _people(database, 3)
    kept = [_webhook(number) for number in range(3)]
    async with database.transaction() as unit:
        error = RejectedError(Reason.HANDLER_FAILED, "the handler failed")
        await stop(unit, kind_of(kept[0]), error)
    await _drain(process, kept)
    genuine = routing.WEBHOOK_HANDLERS[HIE]

    async def hangs_for_one(unit: Any, context: Any, webhook: Any) -> None:
        await (
            _never() if webhook.meta.request_id == "request-0" else genuine(unit, context, webhook)
        )

    handler(hangs_for_one)
    resumer: Resumer = make_resumer()
    async with asyncio.timeout(20):
        while await people.count(database, "stopped_type"):
            await resumer.round()
    (letter,) = await told(database, Topic.DEAD_LETTERS)
    assert (letter.body["reason"], letter.body["offset"]) == ("handler_failed", kept[0].offset)
    assert len(await bodies(database, "NetworkQuerySourceUpdated")) == 2


async def test_a_parked_webhook_whose_handler_hangs_is_put_aside(
    database: Database, process: Processor, unparker: Unparker, handler: Any
) -> None:
    """I6: and the next one is looked at."""
    await process(_webhook(0))
    await process(_webhook(1, LAB))
    await _people(database, 2)
    handler(_never)
    async with asyncio.timeout(20):
        while await unparker.round():
            pass
    (letter,) = await told(database, Topic.DEAD_LETTERS)
    assert letter.body["reason"] == "handler_failed"
    assert (await only(database, "NetworkQuerySourceUpdated"))["patientId"] == "patient-1"
