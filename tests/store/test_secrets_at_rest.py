"""A box opens at its own table, column, row and subject, and nowhere else (I7)."""

from uuid import uuid4

import asyncpg
import pytest

from schemas.ids import IdentityId, PatientId, SubjectId
from service.crypto.keys import KeyRing, UnknownKeyError
from service.ias.aal2 import Session
from service.settings.secret import Secret
from service.store import commands, identities, patients, sessions, subjects
from service.store.pool import Database, open_database
from service.store.unit import Unit, Vault
from tests.stack.postgres import EmbeddedPostgres
from tests.support import people
from tests.support.people import Person
from tests.support.settings import ENCRYPTION_KEY


async def _session(unit: Unit, who: Person) -> Session:
    found = await sessions.by_id(unit, who.session_id)
    assert found is not None
    return found


async def test_secrets_are_not_in_the_tables_and_come_back(
    database: Database, owner: asyncpg.Connection
) -> None:
    """I7: a dump holds neither identity nor session."""
    who = await people.person(database, proofed="pid_canary", session="aal2_canary")
    async with database.transaction() as unit:
        proofed = await identities.proofed_identity_id(unit, who.subject_id, who.identity_id)
        assert proofed == "pid_canary"
        assert await sessions.secret(unit, await _session(unit, who)) == "aal2_canary"
    for table in ("identity", "aal2_session", "subject", "command"):
        rows = await owner.fetch(f"select t::text from {table} t")  # noqa: S608 - names above
        shown = " ".join(row["t"] for row in rows)
        assert "canary" not in shown
        assert b"canary".hex() not in shown


async def test_a_box_moved_to_another_row_does_not_open(database: Database) -> None:
    """I2, I7: not even within one subject."""
    older = await people.person(database, "jane", "patient-1")
    newer = await people.person(database, "jane", "patient-1")
    move = "update {0} t set {1} = o.{1} from {0} o where t.{2} = $1 and o.{2} = $2"
    await people.sql(
        database,
        move.format("identity", "proofed_box", "identity_id"),
        newer.identity_id,
        older.identity_id,
    )
    await people.sql(
        database,
        move.format("aal2_session", "session_box", "session_id"),
        newer.session_id,
        older.session_id,
    )
    async with database.transaction() as unit:
        with pytest.raises(UnknownKeyError):
            await identities.proofed_identity_id(unit, newer.subject_id, newer.identity_id)
        with pytest.raises(UnknownKeyError):
            await sessions.secret(unit, await _session(unit, newer))


async def test_a_box_moved_to_another_column_does_not_open(database: Database) -> None:
    """I7."""
    subject = SubjectId("jane")
    async with database.transaction() as unit:
        command_id = await people.command(unit, subject)
        final = commands.Final(uuid4(), "ias.event.X", b'{"a":"b"}', unit.now)
        await commands.finish(unit, subject, command_id, final, ["ias.command.LinkPatient"])
    await people.sql(database, "update command set metadata_box = final_box")
    async with database.transaction() as unit:
        with pytest.raises(UnknownKeyError):
            await commands.metadata(unit, [(subject, command_id)])
        assert (await commands.final(unit, subject, command_id)) is not None


async def test_a_box_moved_to_another_subject_does_not_open(database: Database) -> None:
    """I2, I7: each subject has a key of its own."""
    jane = await people.person(database, "jane", "patient-j")
    victor = await people.person(database, "victor", "patient-v")
    await people.sql(
        database,
        "update aal2_session t set session_box = o.session_box from aal2_session o"
        " where t.session_id = $1 and o.session_id = $2",
        victor.session_id,
        jane.session_id,
    )
    async with database.transaction() as unit:
        with pytest.raises(UnknownKeyError):
            await sessions.secret(unit, await _session(unit, victor))
        with pytest.raises(UnknownKeyError):  # nor with the id of the row it came from
            await identities.proofed_identity_id(
                unit, victor.subject_id, IdentityId(jane.identity_id)
            )


async def test_a_data_key_moved_to_another_subject_does_not_unwrap(database: Database) -> None:
    """I7."""
    jane = await people.person(database, "jane", "patient-j")
    victor = await people.person(database, "victor", "patient-v")
    await people.sql(
        database,
        "update subject t set data_key = o.data_key from subject o"
        " where t.subject_id = $1 and o.subject_id = $2",
        victor.subject_id,
        jane.subject_id,
    )
    async with database.transaction() as unit:
        with pytest.raises(UnknownKeyError):
            await subjects.data_key(unit, victor.subject_id)


async def test_an_altered_box_does_not_open(database: Database) -> None:
    who = await people.person(database)
    await people.sql(
        database,
        "update aal2_session set session_box = set_byte(session_box, 15,"
        " get_byte(session_box, 15) # 1)",
    )
    async with database.transaction() as unit:
        with pytest.raises(UnknownKeyError):
            await sessions.secret(unit, await _session(unit, who))


async def test_keys_rotate_while_rows_of_the_old_key_stay_readable(
    postgres: EmbeddedPostgres, migrated_database: str, database: Database
) -> None:
    who = await people.person(database)
    rotated = Vault(KeyRing((b"n" * 32, ENCRYPTION_KEY)))
    url = Secret(postgres.dsn(migrated_database))
    async with open_database(url, 2, rotated) as newer:
        async with newer.transaction() as unit:
            assert await sessions.secret(unit, await _session(unit, who)) == who.session_secret
        fresh = await people.person(newer, "newcomer", "patient-2")
    async with database.transaction() as unit:  # a process with the old key alone
        with pytest.raises(UnknownKeyError):
            await sessions.secret(unit, await _session(unit, fresh))


async def test_a_process_without_keys_opens_nothing(
    postgres: EmbeddedPostgres, migrated_database: str, database: Database
) -> None:
    """The ingress holds no keys for data at rest."""
    who = await people.person(database)
    url = Secret(postgres.dsn(migrated_database))
    async with open_database(url, 2, Vault(None)) as keyless, keyless.transaction() as unit:
        with pytest.raises(PermissionError):
            await sessions.secret(unit, await _session(unit, who))


async def test_demographics_are_a_box_and_gone_when_the_registration_ends(
    database: Database,
) -> None:
    """I7."""
    registration_id = await people.registering(database, demographics=b'{"firstName":"Canary"}')
    row = await people.row(database, "registration")
    assert b"Canary" not in row["demographics_box"]
    async with database.transaction() as unit:
        found = await patients.registration(unit, registration_id)
        assert found is not None
        assert found[1] == b'{"firstName":"Canary"}'
        await patients.registered(unit, registration_id, PatientId("patient-1"))
        assert await patients.registration(unit, registration_id) is None
    assert (await people.row(database, "registration"))["demographics_box"] is None
