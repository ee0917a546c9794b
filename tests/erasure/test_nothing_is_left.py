"""A dump of all tables after an erasure holds nothing of the subject that could be read (I7)."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from consumers.processor import Processor
from schemas.commands import RevokeIdentity
from schemas.ids import CommandId, SubjectId
from schemas.topics import Topic
from service.crypto.keys import UnknownKeyError
from service.store import erased, outbox_rows, subjects
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import bodies, kinds, only, told

from .scene import COLUMNS, busy_person, dump, erase, places_of, values

SUBJECT, PATIENT = "subject-to-forget-7f3a", "patient-to-forget-91c2"


async def _relay(owner: asyncpg.Connection) -> None:
    """The broker has everything that waited."""
    await owner.execute("delete from outbox")


async def test_no_row_names_the_subject_or_the_patient_and_no_box_is_left(
    database: Database, owner: asyncpg.Connection, process: Processor
) -> None:
    await busy_person(database, SUBJECT, PATIENT)
    before = await dump(owner)
    assert {place.partition(".")[0] for place in places_of(SUBJECT, before)} >= {
        "subject", "command", "patient_link", "identity", "network_query", "vendor_call",
        "consolidated_query", "hosted_page", "registration", "aal2_session", "compacted_key",
        "record_request",
    }  # fmt: skip
    await process(records.command(erase(SUBJECT)))
    await _relay(owner)

    after = await dump(owner)
    assert places_of(SUBJECT, after) == places_of(PATIENT, after) == set()
    for row in await owner.fetch(COLUMNS):
        sql = f"select count(*) from {row['table_name']} where {row['column_name']} = any($1)"  # noqa: S608 - names of the catalogue
        assert await owner.fetchval(sql, [SUBJECT, PATIENT]) == 0, row["table_name"]
    kept = {value for place, value in values(after) if isinstance(value, bytes)}
    boxes = {place for place, value in values(before) if isinstance(value, bytes) and value in kept}
    assert {place.partition("_")[0] for place in boxes} <= {"audit"}


async def test_the_data_key_is_gone_and_what_it_encrypted_opens_for_nobody(
    database: Database, owner: asyncpg.Connection, process: Processor
) -> None:
    who = await busy_person(database, SUBJECT, PATIENT)
    entries = await owner.fetch("select * from audit_entry order by entry_id")
    wrapped = await owner.fetchval("select data_key from subject")
    await process(records.command(erase(SUBJECT)))
    assert places_of(wrapped.hex(), await dump(owner)) == set()
    async with database.transaction() as unit:
        with pytest.raises(LookupError):
            await subjects.data_key(unit, who.subject_id)
    still = {row["entry_id"]: row for row in await owner.fetch("select * from audit_entry")}
    assert [still[row["entry_id"]] for row in entries] == list(entries)
    added = [row["kind"] for row in still.values() if row not in list(entries)]
    assert sorted(added) == ["data_key_destroyed", "subject_erased"]


async def test_another_subject_of_the_same_patient_keeps_every_row(
    database: Database, owner: asyncpg.Connection, process: Processor
) -> None:
    other = await busy_person(database, "stays", PATIENT)
    await busy_person(database, SUBJECT, PATIENT)
    tables = {row["table_name"] for row in await owner.fetch(COLUMNS)}

    def mine(dumped: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
        rows = {table: dumped[table] for table in tables & dumped.keys()}
        return {
            table: sorted(str(row) for row in found if row.get("subject_id") == other.subject_id)
            for table, found in rows.items()
        }

    before = mine(await dump(owner))
    await process(records.command(erase(SUBJECT)))
    assert mine(await dump(owner)) == before
    assert len(before["network_query"]) == 2


async def test_the_receipt_is_the_last_event_and_what_was_not_told_yet_is_dropped(
    database: Database, process: Processor
) -> None:
    """I4, I5: the numbers go on, and the receipt ends whatever had not ended."""
    who = await busy_person(database, SUBJECT, PATIENT)
    await process(records.command(erase("somebody-else")))
    revoke = RevokeIdentity(
        command_id=CommandId(uuid4()),
        subject_id=who.subject_id,
        patient_id=who.patient_id,
        reason="r",
    )
    await process(records.command(revoke))
    unsent = [event for event in await told(database) if event.key == SUBJECT]
    assert len(unsent) > 3
    command = erase(SUBJECT, ticket="42")
    await process(records.command(command))
    (receipt,) = [event for event in await told(database) if event.key == SUBJECT]
    assert receipt.kind == "SubjectErased"
    assert receipt.body["sequence"] == unsent[-1].body["sequence"] + 1
    assert receipt.body["commandId"] == str(command.command_id)
    assert receipt.body["metadata"] == {"ticket": "42"}
    assert await people.count(database, "outbox", topic=Topic.LINKS) == 0


async def test_the_receipt_says_by_when_and_what_is_not_erased(
    database: Database, owner: asyncpg.Connection, process: Processor
) -> None:
    """The longest retention of the topic map is 90 days (dead letters)."""
    await process(records.command(erase(SUBJECT)))
    body = await only(database, "SubjectErased")
    days = await owner.fetchval(
        "select $1::text::timestamptz - erased_at from erasure", body["completeBy"]
    )
    assert days.days == 90
    assert body["notErased"] == [
        "metriport", "kafka", "backups", "audit", "marks", "shared_patient",
    ]  # fmt: skip
    assert set(body) == {"sequence", "subjectId", "commandId", "completeBy", "notErased"}


async def test_every_record_request_gets_a_tombstone(
    database: Database, process: Processor
) -> None:
    await busy_person(database, SUBJECT, PATIENT)
    (state,) = await told(database, Topic.RECORD_REQUESTS)
    await process(records.command(erase(SUBJECT)))
    async with database.transaction() as unit:
        shards = [row[0] for row in await unit.conn.fetch("select distinct shard from outbox")]
        waiting = await outbox_rows.waiting(unit, shards, rows=100, size=10**6)
        drafts = [outbox_rows.opened(unit, row) for row in waiting]
    (buried,) = [draft for draft in drafts if draft.topic == Topic.RECORD_REQUESTS]
    assert (buried.key, buried.body) == (state.key, None)
    assert sorted(draft.type for draft in drafts) == [
        "ias.event.SubjectErased",
        "ias.record-request.State",
    ]


async def test_the_service_itself_cannot_delete_a_subject_or_a_link(
    database: Database,
) -> None:
    """An ambiguous patient cannot be made unambiguous by whoever took the service over."""
    await busy_person(database, SUBJECT, PATIENT)
    for statement in (
        "delete from subject",
        "delete from patient_link",
        "delete from erased_mark",
        "delete from erasure",
        f"select erase_subject('{SUBJECT}', gen_random_uuid())",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await people.sql(database, statement)
    assert await people.count(database, "patient_link") == 1


async def test_a_stored_receipt_does_not_open_without_the_subjects_name(
    database: Database, owner: asyncpg.Connection, process: Processor
) -> None:
    await process(records.command(command := erase(SUBJECT)))
    async with database.transaction() as unit:
        found = await erased.receipt(unit, SubjectId(SUBJECT), command.command_id)
        assert found is not None
        key = await erased.key_or_new(unit)
        box = await owner.fetchval("select receipt_box from erasure")
        with pytest.raises(UnknownKeyError):
            key.decrypt(box, erased._place(found.event_id))  # noqa: SLF001 - the attacker's try
    assert await kinds(database) == ["SubjectErased"]
    assert len(await bodies(database, "SubjectErased")) == 1
