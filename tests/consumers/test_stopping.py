"""A type that fails for many stops and says so; nothing of it is lost, and other types flow (I1, I6)."""

from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from consumers import routing
from consumers.processor import Processor
from consumers.resuming import Resumer
from schemas.topics import Topic
from service.bus.received import Received
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import bodies, only, told

HIE = "metriport.network-query.hie"


def _webhook(number: int, source: str = "hie", status: str = "completed") -> Received:
    body = records.sample("network-query.hie.completed")
    body["meta"] |= {
        "messageId": str(uuid4()),
        "requestId": f"request-{number}",
        "type": f"network-query.{source}",
    }
    body["payload"] |= {"patientId": f"patient-{number}"}
    body["payload"]["source"] = {"type": source, "status": status}
    return records.webhook(body)._replace(key=f"patient-{number}".encode())


@pytest.fixture
async def everybody(database: Database) -> int:
    """Eight people with started queries."""
    for number in range(8):
        who = await people.person(database, f"subject-{number}", f"patient-{number}")
        await people.started_query(database, who, f"request-{number}")
    return 8


@pytest.fixture
def bad_deploy(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The handler of one type has a defect until the returned patch is undone."""

    async def broken(*_: object) -> None:
        raise ValueError("defect")

    handlers: dict[str, Any] = {**routing.WEBHOOK_HANDLERS, "network-query.hie": broken}
    monkeypatch.setattr(routing, "WEBHOOK_HANDLERS", handlers)
    return monkeypatch


async def _all(process: Processor, waiting: list[Received]) -> None:
    while waiting:
        waiting = waiting[await process.handle(waiting) :]


def _gauge() -> float | None:
    labels = {"topic": Topic.WEBHOOKS.value, "type": HIE}
    return REGISTRY.get_sample_value("ias_consumer_type_stopped", labels)


@pytest.mark.usefixtures("bad_deploy")
async def test_a_bad_deploy_stops_its_type_keeps_its_records_and_lets_others_flow(
    database: Database, process: Processor, everybody: int
) -> None:
    """At most four of a topic reach the dead letters; the offset of all advances."""
    batch = [_webhook(number) for number in range(everybody)] * 2
    await _all(process, [*batch, *(_webhook(number, "lab") for number in range(everybody))])
    assert len(await told(database, Topic.DEAD_LETTERS)) == 4
    told_of = {(body["patientId"], body["source"]) for body in await _updates(database)}
    assert told_of == {(f"patient-{number}", "lab") for number in range(everybody)}
    stopped = await only(database, "ConsumerStopped")
    assert (stopped["topic"], stopped["messageType"]) == (Topic.WEBHOOKS.value, HIE)
    assert (stopped["reason"], stopped["subjectId"]) == ("handler_failed", "operators")
    assert await people.count(database, "held_record") == 8
    assert _gauge() == 1


async def _updates(database: Database) -> list[dict[str, Any]]:
    return await bodies(database, "NetworkQuerySourceUpdated")


@pytest.mark.usefixtures("bad_deploy")
async def test_kept_records_are_sealed(
    database: Database, process: Processor, everybody: int
) -> None:
    """I7."""
    await _all(process, [_webhook(number) for number in range(everybody)])
    async with database.connection() as connection:
        rows = await connection.fetch("select * from held_record")
    assert len(rows) == everybody - 4
    assert b"patient-" not in b"".join(row["sealed"] for row in rows)


async def test_while_it_fails_nothing_kept_is_lost_and_once_it_works_it_flows_in_order(
    database: Database,
    process: Processor,
    make_process: Any,
    resumer: Resumer,
    everybody: int,
    bad_deploy: pytest.MonkeyPatch,
) -> None:
    """I5: what came while the type was stopped follows what was kept, also in another process."""
    await _all(process, [_webhook(number) for number in range(everybody)])
    await resumer.round()
    assert await people.count(database, "held_record") == 4
    bad_deploy.undo()
    other: Processor = make_process()
    await _all(other, [_webhook(7, status="failed")])
    assert await people.count(database, "held_record") == 5
    await resumer.round()
    assert await people.count(database, "held_record") == 0
    assert await people.count(database, "stopped_type") == 0
    updates = [(body["patientId"], body["status"]) for body in await _updates(database)]
    assert sorted(updates) == [(f"patient-{number}", "completed") for number in range(4, 8)]
    resumed = await only(database, "ConsumerResumed")
    assert (resumed["topic"], resumed["messageType"]) == (Topic.WEBHOOKS.value, HIE)
    assert _gauge() == 0
    await _all(other, [_webhook(0)])
    assert len(await _updates(database)) == 5


@pytest.mark.usefixtures("bad_deploy")
async def test_records_that_come_again_after_they_were_kept_are_kept_once(
    database: Database, process: Processor, everybody: int
) -> None:
    """I1: the offset was not committed."""
    batch = [_webhook(number) for number in range(everybody)]
    await _all(process, batch)
    await _all(process, batch[4:])
    assert await people.count(database, "held_record") == 4


async def test_what_fails_alone_among_what_was_kept_ends_in_the_dead_letters(
    database: Database,
    process: Processor,
    resumer: Resumer,
    everybody: int,
    bad_deploy: pytest.MonkeyPatch,
) -> None:
    await _all(process, [_webhook(number) for number in range(everybody)])
    bad_deploy.undo()
    await _all(process, [_webhook(3)._replace(value=b"{}", key=b"patient-9")])
    await resumer.round()
    assert len(await _updates(database)) == 4
    letters = await told(database, Topic.DEAD_LETTERS)
    assert [letter.body["reason"] for letter in letters] == ["handler_failed"] * 4 + [
        "not_authentic"
    ]
    assert await people.count(database, "stopped_type") == 0


async def test_one_subject_that_always_fails_halts_nobody(
    database: Database, process: Processor, everybody: int
) -> None:
    """Its records go to the dead letters, one by one, for as long as it goes on."""
    bad = [_webhook(0)._replace(value=b"{}") for _ in range(12)]
    await _all(process, [*bad, *(_webhook(number) for number in range(everybody))])
    assert await people.count(database, "stopped_type") == 0
    assert len(await told(database, Topic.DEAD_LETTERS)) == 12
    assert len(await _updates(database)) == everybody


async def test_a_caller_whose_commands_are_all_wrong_is_answered_and_halts_nobody(
    database: Database, process: Processor
) -> None:
    """However many subjects it names: it is one sender."""
    for number in range(12):
        value = b'{"subjectId": "subject-%d", "commandId": "%s"}' % (
            number,
            str(uuid4()).encode(),
        )
        record = records.raw_command("ias.command.LinkPatient", value)
        await _all(process, [record._replace(key=f"subject-{number}".encode())])
    assert len(await bodies(database, "CommandRejected")) == 12
    assert await people.count(database, "stopped_type") == 0


async def test_commands_that_are_wrong_from_many_senders_are_stopped(
    database: Database, process: Processor
) -> None:
    """Then the mistake is ours: the sixth is kept, to be answered when it is mended."""
    for number in range(6):
        value = b'{"subjectId": "subject-%d"}' % number
        record = records.raw_command("ias.command.LinkPatient", value)
        await _all(process, [records.moved(record, ce_source=f"/application-{number}")])
    assert (await only(database, "ConsumerStopped"))["reason"] == "invalid_field"
    assert len(await bodies(database, "CommandRejected")) == 4
    assert await people.count(database, "held_record") == 2
