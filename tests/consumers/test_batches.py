"""Batches: one transaction for many records, and a bad one never sinks its neighbours (I1, I5)."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
import structlog

from consumers import routing
from consumers.processor import Processor
from schemas.metriport.webhooks import NETWORK_QUERY_TYPES
from schemas.topics import Topic
from service.bus.received import Received
from service.store.pool import Database
from tests.stack.postgres import EmbeddedPostgres
from tests.support import people, records
from tests.support.outbox import bodies, kinds, told
from tests.support.waiting import until

SOURCES = ("hie", "pharmacy", "lab")


def _webhook(number: int, source: str = "hie", **more: Any) -> Received:
    body = records.sample("network-query.hie.completed")
    body["meta"] |= {
        "messageId": str(uuid4()),
        "requestId": f"request-{number}",
        "type": f"network-query.{source}",
    }
    body["payload"] |= {"patientId": f"patient-{number}"}
    body["payload"]["source"] = {"type": source, "status": "completed"}
    return records.webhook(body, **more)._replace(key=f"patient-{number}".encode())


async def _people(database: Database, count: int) -> None:
    for number in range(count):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        await people.started_query(database, who, f"request-{number}")


async def _transactions(database: Database, kind: str) -> int:
    """In how many transactions rows of the inbox were written."""
    async with database.connection() as connection:
        found: int = await connection.fetchval(
            "select count(distinct xmin::text) from inbox where source = $1", kind
        )
    return found


async def _drain(process: Processor, waiting: list[Received]) -> list[int]:
    """Hand records over as the subscription does; how many were done each time."""
    steps = []
    while waiting:
        steps.append(await process.handle(waiting))
        waiting = waiting[steps[-1] :]
        assert len(steps) < 100
    return steps


async def test_the_records_of_a_poll_take_effect_in_one_transaction(
    database: Database, process: Processor
) -> None:
    """I5: sequences are gapless and in order of position, for each subject."""
    await _people(database, 3)
    batch = [_webhook(number, source) for source in SOURCES for number in range(3)]
    assert await _drain(process, batch) == [9]
    assert await _transactions(database, "metriport") == 1
    for number in range(3):
        mine = [event for event in await told(database) if event.key == f"subject-{number}"]
        assert [event.body["sequence"] for event in mine] == [1, 2, 3, 4]
        assert [event.body.get("source") for event in mine] == [*SOURCES, None]
        assert mine[-1].kind == "NetworkQueryFinished"


async def test_a_record_that_comes_twice_in_a_batch_or_again_later_acts_once(
    database: Database, process: Processor
) -> None:
    """I1."""
    await _people(database, 1)
    record = _webhook(0)
    assert await _drain(process, [record, record, _webhook(0, "lab")]) == [3]
    assert await _drain(process, [record, record]) == [2]
    assert await kinds(database) == ["NetworkQuerySourceUpdated"] * 2


async def test_one_poison_record_is_put_aside_and_its_neighbours_take_effect(
    database: Database, process: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I1, I6: the batch is rolled back, and its records are done one by one."""
    await _people(database, 4)
    poison = _webhook(2)
    genuine = routing.WEBHOOK_HANDLERS["network-query.hie"]

    async def sometimes(unit: Any, context: Any, webhook: Any) -> None:
        if webhook.meta.request_id == "request-2":
            raise ValueError("poison")
        await genuine(unit, context, webhook)

    broken = {**routing.WEBHOOK_HANDLERS, **dict.fromkeys(NETWORK_QUERY_TYPES, sometimes)}
    monkeypatch.setattr(routing, "WEBHOOK_HANDLERS", broken)
    batch = [_webhook(0), _webhook(1), poison, _webhook(3)]
    assert await _drain(process, batch) == [0, 1, 1, 1, 1]
    patients = {body["patientId"] for body in await bodies(database, "NetworkQuerySourceUpdated")}
    assert patients == {"patient-0", "patient-1", "patient-3"}
    (letter,) = await told(database, Topic.DEAD_LETTERS)
    assert (letter.body["reason"], letter.body["offset"]) == ("handler_failed", poison.offset)
    monkeypatch.undo()
    assert await _drain(process, [_webhook(0, "lab"), _webhook(1, "lab")]) == [2]


async def test_a_forged_record_in_the_middle_leaves_the_others_in_batches(
    database: Database, process: Processor
) -> None:
    await _people(database, 4)
    forged = _webhook(2, signature="0" * 64)
    batch = [_webhook(0), _webhook(1), forged, _webhook(2), _webhook(3)]
    assert await _drain(process, batch) == [2, 1, 2]
    assert len(await bodies(database, "NetworkQuerySourceUpdated")) == 4
    (letter,) = await told(database, Topic.DEAD_LETTERS)
    assert letter.body["reason"] == "not_authentic"


async def test_a_message_without_read_ahead_does_not_hide_that_its_neighbours_are_new(
    database: Database, process: Processor
) -> None:
    """I1: an identity's webhook makes the batch forget what it read, and nobody loses a message."""
    await _people(database, 3)
    body = records.sample("ias.identity.verified.variant-a-payload")
    body["meta"]["messageId"] = str(uuid4())
    stranger = records.webhook(body, sealed=True)._replace(key=b"stranger")
    batch = [_webhook(0), stranger, _webhook(1), _webhook(2)]
    assert await _drain(process, batch) == [4]
    assert len(await bodies(database, "NetworkQuerySourceUpdated")) == 3
    assert await people.count(database, "unbound_identity") == 1


async def test_while_postgres_is_away_nothing_is_done_and_then_everything_once(
    postgres: EmbeddedPostgres, database: Database, process: Processor
) -> None:
    """I1: handed over again, the records act once."""
    await _people(database, 2)
    batch = [_webhook(0), _webhook(1)]
    postgres.crash()
    assert await process.handle(batch) == 0
    postgres.restart()

    async def done() -> bool:
        return await process.handle(batch) == 2

    await until(done, within=15)
    assert await kinds(database) == ["NetworkQuerySourceUpdated"] * 2


async def test_a_commit_that_was_cut_off_is_not_concluded_to_have_failed(
    database: Database, process: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I1 (P1): the commit lands, its answer does not; the same records change nothing more."""
    await _people(database, 2)
    genuine = Database.transaction
    cut = [True]

    def cut_off(self: Database, traceparent: str | None = None) -> Any:
        return _CutOff(genuine(self, traceparent), cut)

    monkeypatch.setattr(Database, "transaction", cut_off)
    batch = [_webhook(0), _webhook(1)]
    assert await process.handle(batch) == 0
    assert cut == [False]
    while not await process.handle(batch[:1]):
        pass
    assert await process.handle(batch[1:]) == 1
    monkeypatch.undo()
    assert await kinds(database) == ["NetworkQuerySourceUpdated"] * 2


class _CutOff:
    """A transaction that commits, once without saying so."""

    def __init__(self, genuine: Any, cut: list[bool]) -> None:
        self._genuine, self._cut = genuine, cut

    async def __aenter__(self) -> Any:
        return await self._genuine.__aenter__()

    async def __aexit__(self, *error: object) -> Any:
        result = await self._genuine.__aexit__(*error)
        if self._cut[0] and error[0] is None:
            self._cut[0] = False
            raise ConnectionResetError
        return result


async def test_two_consumers_with_the_same_records_in_other_orders_both_end(
    database: Database, process: Processor, make_process: Any
) -> None:
    """I1: after a rebalance two may hold the same records; locks are taken in one order."""
    await _people(database, 6)
    batch = [_webhook(number) for number in range(6)]
    async with asyncio.timeout(30):
        await asyncio.gather(_drain(process, batch), _drain(make_process(), list(reversed(batch))))
    assert await kinds(database) == ["NetworkQuerySourceUpdated"] * 6


async def test_what_is_logged_of_a_record_names_that_record_and_no_earlier_one(
    process: Processor,
) -> None:
    """L2: the variables of a log line outlive a turn of the consumer's loop."""
    structlog.contextvars.bind_contextvars(offset=1, message_id="of-an-earlier-record")
    record = records.webhook(records.sample("network-query.hie.completed"))._replace(offset=2)
    assert await process.handle([record]) == 1
    assert structlog.contextvars.get_contextvars() == {
        "topic": record.topic.value,
        "partition": record.partition,
        "offset": 2,
        "message": (record.header("ce_id") or b"").decode(),
    }
