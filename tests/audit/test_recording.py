"""What is recorded: by the store function that writes the effect, in its transaction."""

from uuid import UUID, uuid4

import pytest

from schemas.ids import LinkId, PatientId, SubjectId
from schemas.links import Link, LinkKind
from service.crypto.keys import UnknownKeyError
from service.ias.aal2 import SessionState
from service.ias.audit import Kind
from service.store import audit, audit_entries, identities, outbox, sessions, subjects
from service.store.pool import Database
from tests.audit.conftest import Ledger
from tests.support import people

SUBJECT = SubjectId("subject-1")


async def _recorded(ledger: Ledger) -> list[tuple[str, UUID | None]]:
    """Kind and object of every entry, in the order of their writing."""
    rows = await ledger.owner.fetch(
        "select e.kind, e.object_id from audit_unchained u join audit_entry e using (entry_id)"
        " order by u.position"
    )
    return [(row["kind"], row["object_id"]) for row in rows]


async def test_every_step_of_a_person_is_recorded(ledger: Ledger, database: Database) -> None:
    who = await people.person(database)
    assert await _recorded(ledger) == [
        ("data_key_created", None),
        ("identity_bound", who.identity_id),
        ("session_received", who.session_id),
        ("session_confirmed", who.session_id),
    ]


async def test_every_use_of_an_identity_or_session_is_recorded(
    ledger: Ledger, database: Database
) -> None:
    """I2: whoever gets the vendor's id in the clear has left a trace."""
    who = await people.person(database)
    async with database.transaction() as unit:
        assert await identities.proofed_identity_id(unit, who.subject_id, who.identity_id)
        session = await sessions.by_id(unit, who.session_id)
        assert session is not None
        assert await sessions.secret(unit, session) == who.session_secret
    assert (await _recorded(ledger))[4:] == [
        ("identity_used", who.identity_id),
        ("session_used", who.session_id),
    ]


async def test_an_identity_that_may_not_be_used_is_not_said_to_have_been(
    ledger: Ledger, database: Database
) -> None:
    who = await people.person(database)
    async with database.transaction() as unit:
        await identities.stop(unit, who.identity_id)
        assert not await identities.proofed_identity_id(unit, who.subject_id, who.identity_id)
    assert (await _recorded(ledger))[4:] == [("identity_stopped", who.identity_id)]


async def test_a_newer_identity_supersedes_the_older_visibly(
    ledger: Ledger, database: Database
) -> None:
    older = await people.person(database)
    newer = await people.person(database)
    kinds = await _recorded(ledger)
    assert ("identity_superseded", older.identity_id) in kinds
    assert ("identity_bound", newer.identity_id) in kinds
    assert [kind for kind, _ in kinds].count("data_key_created") == 1


@pytest.mark.parametrize("state", [SessionState.PROVEN, SessionState.EXPIRED, SessionState.REFUSED])
async def test_the_end_of_a_session_is_recorded(
    ledger: Ledger, database: Database, state: SessionState
) -> None:
    who = await people.person(database)
    async with database.transaction() as unit:
        await sessions.set_state(unit, who.session_id, state)
    assert (await _recorded(ledger))[-1] == (f"session_{state.value}", who.session_id)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(LinkKind.CONSOLIDATED_DATA, ["data_link_issued"]), (LinkKind.HOSTED_STEP, [])],
)
async def test_a_link_to_data_is_recorded_and_a_link_to_a_step_is_not(
    ledger: Ledger, database: Database, kind: LinkKind, expected: list[str]
) -> None:
    """I9: only the former opens a record."""
    async with database.transaction() as unit:
        await people.command(unit, SUBJECT)
        link = Link(
            link_id=LinkId(uuid4()),
            kind=kind,
            url="https://records.example.com/canary-link",
            expires_at=unit.now,
            subject_id=SUBJECT,
            patient_id=PatientId("patient-1"),
        )
        await outbox.issue_link(unit, link)
    recorded = await _recorded(ledger)
    assert [found for found, _ in recorded[1:]] == expected
    assert {which for _, which in recorded[1:]} <= {link.link_id}


async def test_what_is_rolled_back_was_not_done_and_is_not_recorded(
    ledger: Ledger, database: Database
) -> None:
    async with people.rolled_back(database) as unit:
        await people.command(unit, SUBJECT)
        await unit.conn.execute("select 1")
    assert await _recorded(ledger) == []


async def test_rows_name_nobody_and_hold_no_secret(ledger: Ledger, database: Database) -> None:
    """I7: neither the subject, nor the patient, nor an id of the vendor's."""
    who = await people.person(
        database, "canary-subject", "canary-patient", proofed="pid_canary", session="aal2_canary"
    )
    async with database.transaction() as unit:
        await identities.proofed_identity_id(unit, who.subject_id, who.identity_id)
    rows = await ledger.owner.fetch("select e::text as shown from audit_entry e")
    assert len(rows) == 5
    for row in rows:
        assert "canary" not in row["shown"]
        assert b"canary".hex() not in row["shown"]


async def test_a_subject_has_one_pseudonym_that_only_the_data_key_leads_to(
    ledger: Ledger, database: Database
) -> None:
    jane = await people.person(database, "jane", "patient-1")
    await people.person(database, "victor", "patient-2")
    rows = await ledger.owner.fetch("select subject_ref, count(*) from audit_entry group by 1")
    assert [row["count"] for row in rows] == [4, 4]
    async with database.transaction() as unit:
        key = await subjects.data_key(unit, jane.subject_id)
        assert audit_entries.subject_ref(jane.subject_id, key) in {r["subject_ref"] for r in rows}


async def test_a_box_tells_the_subject_to_the_key_and_opens_in_its_own_row_only(
    ledger: Ledger, database: Database
) -> None:
    async with database.transaction() as unit:
        await people.command(unit, SUBJECT)
        await audit.record(unit, Kind.LEGAL_HOLD_PLACED, SUBJECT)
        key = await subjects.data_key(unit, SUBJECT)
    first, second = await ledger.owner.fetch("select entry_id, box from audit_entry")
    assert key.decrypt(first["box"], audit_entries.place(first["entry_id"])) == (
        b'{"subjectId":"subject-1"}'
    )
    with pytest.raises(UnknownKeyError):
        key.decrypt(first["box"], audit_entries.place(second["entry_id"]))


async def test_nothing_is_recorded_about_somebody_who_is_no_subject(database: Database) -> None:
    with pytest.raises(LookupError):
        async with database.transaction() as unit:
            await audit.record(unit, Kind.SUBJECT_ERASED, SubjectId("nobody"))
