"""Data keys move to the newest key on a live system; a rotation that is killed goes on (I7)."""

import asyncio
import signal
from uuid import uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from consumers.context import Context
from consumers.processor import Processor
from consumers.reading import Reader
from consumers.reencrypt import rotate
from consumers.reencrypt_report import report
from schemas.commands import StartAal2Challenge
from schemas.ids import CommandId, SubjectId
from schemas.topics import Topic
from service.crypto import envelope
from service.crypto.keys import KeyRing, MissingKeyError
from service.store import erased, identities, sessions, subjects
from service.store.pool import Database
from tests.secrets.rotating import (
    BOTH,
    BOTH_OPENER,
    KEYS,
    NEW,
    NEW_ID,
    NEW_SEALER,
    OLD,
    OLD_ID,
    Opening,
    command,
)
from tests.stack.postgres import EmbeddedPostgres
from tests.support import people, records
from tests.support.outbox import kinds, told
from tests.support.people import Person
from tests.support.settings import (
    ENCRYPTION_KEY,
    MAC_KEY,
    RETURN_URL,
    WEBHOOK_KEY,
    rules,
    web,
)
from tests.support.waiting import until

MANY = 3000
IDS = (
    "select encode(substring(data_key from 1 for 4), 'hex') as id, count(*) from subject group by 1"
)


@pytest.fixture
def opening(postgres: EmbeddedPostgres, migrated_database: str) -> Opening:
    return Opening(postgres, migrated_database)


async def _by_key(database: Database) -> dict[str, int]:
    async with database.connection() as connection:
        return {row["id"]: row["count"] for row in await connection.fetch(IDS)}


async def _many(database: Database, count: int) -> None:
    names = [f"subject-{number:05}" for number in range(count)]
    wrapped = [envelope.new_data_key(OLD, name)[1] for name in names]
    await people.sql(
        database,
        "insert into subject (subject_id, data_key) select * from unnest($1::text[], $2::bytea[])",
        names,
        wrapped,
    )


async def _opens(database: Database, who: Person) -> None:
    async with database.transaction() as unit:
        found = await sessions.by_id(unit, who.session_id)
        assert found is not None
        assert await sessions.secret(unit, found) == who.session_secret
        proofed = await identities.proofed_identity_id(unit, who.subject_id, who.identity_id)
        assert proofed == who.proofed


async def test_after_a_rotation_the_new_key_alone_opens_everything(
    database: Database, opening: Opening
) -> None:
    """I7: what was encrypted before opens after, and the old key opens nothing any more."""
    everybody = [await people.person(database, f"s-{n}", f"p-{n}") for n in range(7)]
    async with database.transaction() as unit:
        before = (await erased.key_or_new(unit)).pseudonym("subject", "anybody")
    said: list[str] = []
    async with opening.with_keys(BOTH) as live:
        await rotate(live, KEYS, said.append, batch=2)
        assert await _by_key(live) == {NEW_ID: 7}
        async with live.connection() as connection:
            assert (await report(connection, BOTH, NEW_SEALER)).is_done
    assert "subject: 7 done, 0 left" in said
    async with opening.with_keys(NEW) as after:
        for who in everybody:
            await _opens(after, who)
        assert len(await told(after)) == 0
        async with after.transaction() as unit:
            key = await erased.key(unit)
            assert key is not None
            assert key.pseudonym("subject", "anybody") == before
    async with database.transaction() as unit:
        with pytest.raises(MissingKeyError):
            await subjects.data_key(unit, everybody[0].subject_id)


async def test_a_rotation_is_in_the_audit(opening: Opening, owner: asyncpg.Connection) -> None:
    """Key operations are audited, by key id."""
    async with opening.with_keys(BOTH) as live:
        await rotate(live, KEYS, lambda _: None, batch=10)
    rows = await owner.fetch("select box from audit_entry where kind = 'keys_reencrypted'")
    boxes = sorted(bytes(row["box"]).decode() for row in rows)
    assert [NEW_ID in box for box in boxes] == [True, True]
    assert ["begun" in boxes[0], "ended" in boxes[1]] == [True, True]


async def test_a_second_rotation_changes_nothing(database: Database, opening: Opening) -> None:
    await _many(database, 10)
    async with opening.with_keys(BOTH) as live:
        await rotate(live, KEYS, lambda _: None, batch=3)
        first = await people.row(live, "subject", subject_id="subject-00004")
        await rotate(live, KEYS, lambda _: None, batch=3)
        assert await people.row(live, "subject", subject_id="subject-00004") == first


async def test_a_subject_in_use_is_met_later_and_holds_nobody_up(
    database: Database, opening: Opening
) -> None:
    """A handler holds one subject's row; all others move meanwhile, and then it does."""
    await _many(database, 20)
    async with opening.with_keys(BOTH) as live:
        async with database.transaction() as unit:
            await subjects.lock(unit, SubjectId("subject-00003"))
            working = asyncio.create_task(rotate(live, KEYS, lambda _: None, batch=4))

            async def all_others() -> bool:
                return await _by_key(live) == {NEW_ID: 19, OLD_ID: 1}

            await until(all_others)
            assert not working.done()
            assert await people.waiting_for_locks(live) == 0
        await asyncio.wait_for(working, 10)
        assert await _by_key(live) == {NEW_ID: 20}


async def test_writers_go_on_while_keys_are_wrapped_again(
    database: Database, opening: Opening
) -> None:
    """I5: subjects are made, under the old key too, and used; no event is lost and nothing breaks."""
    await _many(database, 300)
    stop = asyncio.Event()
    made: list[SubjectId] = []

    async def write(writer: Database, name: str) -> None:
        while not stop.is_set():
            subject = SubjectId(f"{name}-{len(made)}")
            async with writer.transaction() as unit:
                await people.command(unit, subject)
                await people.command(unit, SubjectId(f"subject-{len(made) % 300:05}"))
            made.append(subject)

    async with opening.with_keys(BOTH) as live, opening.with_keys(BOTH) as other:
        # The old ring is what a process holds that was not given the new key yet: it makes subjects
        # only, for what was wrapped again is closed to it until it gets the key.
        writers = [asyncio.create_task(write(live, "a")), asyncio.create_task(write(other, "b"))]

        async def old_writer() -> None:
            while not stop.is_set():
                async with database.transaction() as unit:
                    await subjects.lock_or_create(unit, subject := SubjectId(f"c-{len(made)}"))
                made.append(subject)

        writers.append(asyncio.create_task(old_writer()))
        try:
            await rotate(live, KEYS, lambda _: None, batch=5)
        finally:
            stop.set()
            await asyncio.gather(*writers)
        await rotate(live, KEYS, lambda _: None, batch=5)  # for what the old process made last
        assert set(await _by_key(live)) == {NEW_ID}
    assert len(made) > 10
    async with opening.with_keys(NEW) as after, after.transaction() as unit:
        for subject in made:
            await subjects.data_key(unit, subject)


async def test_an_altered_wrapping_is_left_alone_and_reported(
    database: Database, opening: Opening
) -> None:
    await _many(database, 5)
    await people.sql(
        database,
        "update subject set data_key = set_byte(data_key, 20, get_byte(data_key, 20) # 1)"
        " where subject_id = 'subject-00002'",
    )
    broken = await people.row(database, "subject", subject_id="subject-00002")
    async with opening.with_keys(BOTH) as live:
        await asyncio.wait_for(rotate(live, KEYS, lambda _: None, batch=2), 10)
        assert await people.row(live, "subject", subject_id="subject-00002") == broken
        async with live.connection() as connection:
            found = await report(connection, BOTH, NEW_SEALER)
    assert not found.is_done
    assert "ENCRYPTION_KEYS: 1 rows under old keys: KEEP them" in found.text()


async def test_a_killed_command_goes_on_where_it_was(database: Database, opening: Opening) -> None:
    """SIGKILL in the middle, at no moment of our choosing; the next run does the rest and says 0."""
    await _many(database, MANY)
    both = (KEYS.ring.get(bytes.fromhex(NEW_ID)), ENCRYPTION_KEY)

    async def some_moved() -> bool:
        return (await _by_key(database)).get(NEW_ID, 0) >= MANY // 20

    first = await command(opening, both, "--batch", "2")
    try:
        await until(some_moved, within=30)
    finally:
        first.send_signal(signal.SIGKILL)
        await first.communicate()
    between = await _by_key(database)
    assert 0 < between[NEW_ID] < MANY
    assert between[NEW_ID] + between[OLD_ID] == MANY

    checked = await command(opening, both, "--check")
    output, _ = await checked.communicate()
    assert checked.returncode == 1
    assert f"{between[OLD_ID]} rows under old keys: KEEP them" in output.decode()
    assert await _by_key(database) == between

    second = await command(opening, both)
    output, _ = await second.communicate()
    assert second.returncode == 0, output.decode()
    assert f"subject: {between[OLD_ID]} done, 0 left" in output.decode()
    assert f"subject: {MANY} under {NEW_ID} (newest)" in output.decode()
    assert "ENCRYPTION_KEYS: old keys can go" in output.decode()
    assert await _by_key(database) == {NEW_ID: MANY}
    async with opening.with_keys(NEW) as after, after.transaction() as unit:
        for number in range(MANY):
            await subjects.data_key(unit, SubjectId(f"subject-{number:05}"))


async def test_rows_under_a_key_that_is_not_at_hand_are_reported_and_kept(
    database: Database, opening: Opening
) -> None:
    await _many(database, 3)
    before = await _by_key(database)
    done = await command(opening, (KEYS.ring.get(bytes.fromhex(NEW_ID)),))
    output, _ = await done.communicate()
    assert done.returncode == 1
    assert f"subject: 3 under {OLD_ID} (OLD)" in output.decode()
    assert await _by_key(database) == before


def _processor(database: Database) -> Processor:
    context = Context(rules=rules(), web=web(), sealer=NEW_SEALER, opener=BOTH_OPENER)
    reader = Reader(BOTH_OPENER, lambda: (WEBHOOK_KEY.encode(),), KeyRing((MAC_KEY,)))
    return Processor(database, reader, context)


async def test_a_message_waits_for_a_key_that_its_process_does_not_hold_yet(
    database: Database, opening: Opening
) -> None:
    """I6: nothing is put aside, and a process with the key handles the same record."""
    who = await people.person(database, "jane", "patient-j")
    record = records.command(
        StartAal2Challenge(
            command_id=CommandId(uuid4()),
            subject_id=who.subject_id,
            patient_id=who.patient_id,
            return_url=RETURN_URL,
        )
    )
    async with opening.with_keys(BOTH) as live:
        await rotate(live, KEYS, lambda _: None, batch=10)
        with capture_logs() as lines:
            waiting = asyncio.create_task(_processor(database)(record))  # holds the old key alone
            await until(lambda: len([one for one in lines if "waits" in one["event"]]) > 1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert await told(live, Topic.DEAD_LETTERS) == []
        assert await people.count(live, "inbox") == 0
        await _processor(live)(record)
        assert await kinds(live) == ["UserActionRequired"]
