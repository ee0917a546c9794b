"""The outbox: told in the transaction that makes it true, numbered without gaps, sealed at rest."""

import asyncio
import json
import random
from uuid import uuid4

import pytest

from schemas.dead_letters import DeadLetter
from schemas.events import CommandRejected
from schemas.ids import LinkId, PatientId, SubjectId
from schemas.links import Link, LinkKind
from schemas.reasons import Reason
from schemas.topics import Topic
from service.ias.telling import UNSEQUENCED
from service.store import outbox, outbox_rows, subjects
from service.store.pool import Database
from service.store.unit import Unit
from tests.support import people
from tests.support.outbox import told

SUBJECT = SubjectId("subject-1")


def _event(subject: SubjectId = SUBJECT, message: str = "said") -> CommandRejected:
    return CommandRejected(
        sequence=UNSEQUENCED, subject_id=subject, reason=Reason.NOT_SUPPORTED, message=message
    )


async def _emit(unit: Unit, message: str = "said") -> None:
    await subjects.lock_or_create(unit, SUBJECT)
    await outbox.emit(unit, _event(message=message))


async def test_events_of_a_subject_are_numbered_from_one(database: Database) -> None:
    """I5."""
    for number in range(3):
        async with database.transaction() as unit:
            await _emit(unit, str(number))
    sequences = [(event.body["sequence"], event.body["message"]) for event in await told(database)]
    assert sequences == [(1, "0"), (2, "1"), (3, "2")]


async def test_each_subject_has_numbers_of_its_own(database: Database) -> None:
    """I5."""
    for name in ("a", "b", "a"):
        async with database.transaction() as unit:
            await subjects.lock_or_create(unit, SubjectId(name))
            await outbox.emit(unit, _event(SubjectId(name)))
    found = [(event.key, event.body["sequence"]) for event in await told(database)]
    assert found == [("a", 1), ("b", 1), ("a", 2)]


async def test_two_connections_leave_no_gap_and_no_disorder(database: Database) -> None:
    """I5: numbers follow the order of commits, rolled-back units included."""
    chance = random.Random(7)
    committed: list[str] = []

    async def writer(name: str) -> None:
        for number in range(20):
            message, fails = f"{name}{number}", chance.random() < 0.3
            begin = people.rolled_back(database) if fails else database.transaction()
            async with begin as unit:
                await _emit(unit, message)
                await _emit(unit, f"{message}-second")
                if not fails:
                    committed.extend([message, f"{message}-second"])  # the row is locked: in order

    await asyncio.gather(writer("a"), writer("b"))
    events = await told(database)
    assert [event.body["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [event.body["message"] for event in events] == committed


async def test_a_rolled_back_unit_leaves_nothing(database: Database) -> None:
    """I5: no row, and no number that is missing later."""
    async with people.rolled_back(database) as unit:
        await _emit(unit)
    assert await people.count(database, "outbox") == 0
    async with database.transaction() as unit:
        await _emit(unit)
    assert [event.body["sequence"] for event in await told(database)] == [1]


async def test_rows_hold_no_plaintext(database: Database) -> None:
    """I7: events and links are encrypted while they wait."""
    async with database.transaction() as unit:
        await _emit(unit, "canary-message")
        link = Link(
            link_id=LinkId(uuid4()),
            kind=LinkKind.HOSTED_STEP,
            url="https://ias.example.com/go/canary-link",
            expires_at=unit.now,
            subject_id=SUBJECT,
            patient_id=PatientId("patient-1"),
        )
        await outbox.issue_link(unit, link)
    async with database.connection() as connection:
        rows = await connection.fetch("select body from outbox")
    for (body,) in rows:
        assert b"canary" not in body
        assert b"subjectId" not in body
        with pytest.raises(ValueError, match=r".*"):
            json.loads(body)
    links = await told(database, Topic.LINKS)
    assert [one.body["url"] for one in links] == [link.url]


async def test_a_dead_letter_waits_as_it_is_because_its_content_is_sealed(
    database: Database,
) -> None:
    async with database.transaction() as unit:
        letter = DeadLetter(reason=Reason.UNREADABLE, sealed=b"\x01sealed", received_at=unit.now)
        await outbox.put_aside(unit, letter, uuid4())
    (found,) = await told(database, Topic.DEAD_LETTERS)
    assert (found.kind, found.key, found.body["reason"]) == ("Stored", "", "unreadable")


async def test_all_rows_of_a_subject_share_a_shard(database: Database) -> None:
    async with database.transaction() as unit:
        await _emit(unit)
        await _emit(unit)
        shards = await unit.conn.fetch("select distinct shard from outbox")
    assert [row["shard"] for row in shards] == [outbox.shard_of(SUBJECT)]


@pytest.mark.parametrize("subject", ["", "ü", "x" * 255, "a/b\nc"])
def test_every_key_has_a_shard_that_exists(subject: str) -> None:
    assert 0 <= outbox.shard_of(subject) < outbox.SHARDS


async def test_the_table_has_exactly_the_shards_that_rows_can_have(database: Database) -> None:
    async with database.connection() as connection:
        rows = await connection.fetch("select shard from outbox_shard order by shard")
    assert [row["shard"] for row in rows] == list(range(outbox.SHARDS))


async def test_a_claimed_shard_is_not_claimed_again(database: Database) -> None:
    async with database.transaction() as unit:
        await _emit(unit)
    async with database.transaction() as one, database.transaction() as two:
        assert await outbox_rows.claim_shards(one, 9) == [outbox.shard_of(SUBJECT)]
        assert await outbox_rows.claim_shards(two, 9) == []
    async with database.transaction() as unit:
        assert await outbox_rows.claim_shards(unit, 9) == [outbox.shard_of(SUBJECT)]


async def test_a_final_event_is_repeated_with_its_id_and_number(database: Database) -> None:
    """A repeated command gets the same answer, not a second one."""
    async with database.transaction() as unit:
        command_id = await people.command(unit, SUBJECT)
        event = _event()
        final = CommandRejected(
            sequence=UNSEQUENCED,
            subject_id=SUBJECT,
            command_id=command_id,
            reason=event.reason,
            message="final",
        )
        assert not await outbox.repeat_final(unit, SUBJECT, command_id)
        await outbox.emit(unit, final, ends=True)
        await outbox.emit(unit, event)
    async with database.transaction() as unit:
        assert await outbox.repeat_final(unit, SUBJECT, command_id)
    first, _, repeated = await told(database)
    assert (first.id, first.body) == (repeated.id, repeated.body)
