"""Every ciphertext opens in its own table, column, row and subject only: S10, I2, I7.

The columns come from the database. One that is new has to be placed here, or this fails.
"""

import itertools
from collections.abc import Mapping
from uuid import uuid4

import asyncpg
import pytest

from schemas.commands import StartAal2Challenge
from schemas.events import CommandRejected
from schemas.ids import CommandId, SubjectId
from schemas.reasons import Reason
from service.crypto.envelope import DataKey, Place
from service.crypto.keys import UnknownKeyError
from service.ias.audit import Kind
from service.ias.telling import UNSEQUENCED
from service.store import audit, commands, erased, outbox, subjects
from service.store.pool import Database
from service.store.resealing import SEALED
from tests.support import people
from tests.support.people import Person
from tests.support.settings import RETURN_URL

BOXES = {
    ("command", "metadata_box"): "subject_id || '/' || command_id",
    ("command", "final_box"): "subject_id || '/' || command_id",
    ("registration", "demographics_box"): "registration_id::text",
    ("identity", "proofed_box"): "identity_id::text",
    ("aal2_session", "session_box"): "session_id::text",
    ("outbox", "body"): "event_id::text",
    ("audit_entry", "box"): "entry_id::text",
}
"""Encrypted under the subject's data key; and the row's name, as SQL."""

OTHER_KEYS = {("erasure", "receipt_box"), ("subject", "data_key"), ("erasure_key", "wrapped")}
"""Encrypted under the erasure key and the subject's id, or by ``ENCRYPTION_KEYS``: tests of their own."""

OPEN = {
    "command.content_digest", "identity.proofed_digest", "aal2_session.session_digest",
    "aal2_session.code_hash", "early_confirmation.code_hash", "hosted_page.vendor_digest",
    "unbound_identity.message_digest",
    "parked_webhook.message_digest", "inbox.message_digest", "held_record.record_digest",
    "held_record.about",
    "audit_entry.subject_ref", "audit_chain.entry_digest", "audit_chain.previous",
    "audit_chain.hash", "audit_head.hash", "audit_head.signature", "audit_checkpoint.previous",
    "audit_checkpoint.hash", "audit_checkpoint.signature", "erasure.subject_digest",
    "erased_mark.digest", "erased_mark.subject_digest",
}  # fmt: skip
"""Digests and signatures: nothing to decrypt."""

Found = Mapping[Place, tuple[str, bytes]]
"""Subject and ciphertext by place."""

COLUMNS = """
select c.table_name, c.column_name from information_schema.columns c
join pg_class t on t.oid = format('%I.%I', c.table_schema, c.table_name)::regclass
where c.table_schema = 'public' and c.data_type = 'bytea' and not t.relispartition
"""


async def _everything(database: Database, who: Person) -> None:
    """Fill every encrypted column of one subject, through the store."""
    async with database.transaction() as unit:
        await subjects.lock(unit, who.subject_id)
        command = StartAal2Challenge(
            command_id=CommandId(uuid4()),
            subject_id=who.subject_id,
            patient_id=who.patient_id,
            return_url=RETURN_URL,
            metadata={"a": "b"},
        )
        await commands.accept(unit, "ias.command.StartAal2Challenge", command)
        named = (who.subject_id, command.command_id)
        final = commands.Final(uuid4(), "ias.event.X", b"{}", unit.now)
        await commands.finish(unit, *named, final, ["ias.command.StartAal2Challenge"])
        await audit.record(unit, Kind.SESSION_USED, who.subject_id)
    await people.registering(database, who.subject_id, demographics=b"{}")
    await people.sql(database, "delete from outbox")


async def _told(database: Database, who: Person) -> None:
    """An event that waits."""
    event = CommandRejected(
        sequence=UNSEQUENCED,
        subject_id=who.subject_id,
        reason=Reason.NOT_SUPPORTED,
        message="anything",
    )
    async with database.transaction() as unit:
        await subjects.lock(unit, who.subject_id)
        await outbox.emit(unit, event)


async def _found(owner: asyncpg.Connection) -> Found:
    found: dict[Place, tuple[str, bytes]] = {}
    for (table, column), row in BOXES.items():
        subject = "subject_id" if table != "audit_entry" else "encode(subject_ref, 'hex')"
        sql = f"select {subject}, {row}, {column} from {table} where {column} is not null"  # noqa: S608 - names above
        for whose, name, box in await owner.fetch(sql):
            if whose is not None:
                found[Place(table, column, name)] = (whose, bytes(box))
    return found


async def test_every_bytes_column_is_known(owner: asyncpg.Connection) -> None:
    """A column that is added without saying how it is protected, fails here."""
    rows = {(row["table_name"], row["column_name"]) for row in await owner.fetch(COLUMNS)}
    sealed = {(table.table, "sealed") for table in SEALED}
    known = set(BOXES) | OTHER_KEYS | sealed | {tuple(name.split(".")) for name in OPEN}
    assert rows == known


async def _filled(database: Database) -> dict[str, DataKey]:
    """Two rows of one subject and one of another in every column; their keys, by every name."""
    cast = [await people.person(database, f"s-{n}", f"p-{n}") for n in range(2)]
    for who in (cast[0], cast[0], cast[1]):
        await _everything(database, who)
    await people.person(database, "s-0", "p-0")  # a second identity and session
    for who in (cast[0], cast[0], cast[1]):
        await _told(database, who)
    keys: dict[str, DataKey] = {}
    async with database.transaction() as unit:
        for who in cast:
            key = await subjects.data_key(unit, who.subject_id)
            keys[who.subject_id] = keys[key.pseudonym("audit", who.subject_id).hex()] = key
    return keys


async def test_no_ciphertext_opens_anywhere_but_in_its_own_place(
    database: Database, owner: asyncpg.Connection
) -> None:
    """S10: every ciphertext is tried in every place with every subject's key."""
    keys = await _filled(database)
    found = await _found(owner)
    for column in BOXES:
        mine = [whose for place, (whose, _) in found.items() if place[:2] == column]
        assert len(mine) > len(set(mine)) > 1, column
    for own, (whose, box) in found.items():
        opened = {
            (place, key)
            for place, key in itertools.product(found, set(keys.values()))
            if _opens(key, box, place)
        }
        assert opened == {(own, keys[whose])}


def _opens(key: DataKey, box: bytes, place: Place) -> bool:
    try:
        key.decrypt(box, place)
    except UnknownKeyError:
        return False
    return True


async def test_a_receipt_opens_with_its_own_subject_and_row_only(database: Database) -> None:
    """I7: it outlives the subject's data key, so it has a key of its own."""
    async with database.transaction() as unit:
        key = await erased.key_or_new(unit)
    mine, other = uuid4(), uuid4()
    box = erased.seal_receipt(key, SubjectId("jane"), mine, b"receipt")
    assert b"receipt" not in box
    for subject, row in (("victor", mine), ("jane", other)):
        opened = erased._receipt_key(key, SubjectId(subject))  # noqa: SLF001 - no reader of one box
        with pytest.raises(UnknownKeyError):
            opened.decrypt(box, Place("erasure", "receipt_box", str(row)))
