"""An intruder who may write to the topics gains nothing: the right to write is not trust."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from consumers.processor import Processor
from schemas.callbacks import Aal2Returned, LinkOpened
from schemas.events import StepKind
from schemas.ids import LinkId, OpenId, PatientId, SubjectId
from schemas.topics import Topic
from service.bus.received import Received
from service.crypto.sealing import Opener, place
from service.crypto.tokens import code_hash
from service.store.pool import Database
from service.store.sessions import Challenge
from tests.support import people, records
from tests.support.outbox import kinds, only, told
from tests.support.people import Person
from tests.support.settings import SEALING_PRIVATE_KEY

STATE = ("identity", "aal2_session", "aal2_challenge", "network_query", "network_query_source")
MORE = ("identity_verification", "vendor_call", "parked_webhook", "unbound_identity", "hosted_page")
REQUEST = "0199b1d0-77aa-7c21-8f3e-5a6b7c8d9e0f"
PATIENT = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"


@pytest.fixture
async def jane(database: Database) -> Person:
    who = await people.person(database, "jane", PATIENT)
    await people.started_query(database, who, REQUEST)
    return who


@pytest.fixture
async def pending(database: Database, jane: Person) -> Challenge:
    async with database.transaction() as unit:
        return await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)


async def _snapshot(owner: asyncpg.Connection) -> dict[str, list[str]]:
    found = {}
    for table in (*STATE, *MORE):
        rows = await owner.fetch(f"select t::text from {table} t order by 1")  # noqa: S608
        found[table] = [row["t"] for row in rows]
    return found


async def _put_aside(
    database: Database, owner: asyncpg.Connection, process: Processor, record: Received
) -> None:
    """The record must change nothing and end, sealed, among the dead letters."""
    before, said = await _snapshot(owner), await kinds(database)
    letters = len(await told(database, Topic.DEAD_LETTERS))
    await process(record)
    assert await _snapshot(owner) == before
    assert await kinds(database) == said
    letter = (await told(database, Topic.DEAD_LETTERS))[letters:]
    assert [one.body["reason"] for one in letter] == ["not_authentic"]
    where = place(Topic.DEAD_LETTERS, record.topic, letter[0].id)
    sealed = base64.b64decode(letter[0].body["sealed"])
    assert Opener((SEALING_PRIVATE_KEY,)).open(sealed, where) == record.value


def _returned(pending: Challenge, session: str = "aal2_of_the_intruder") -> Aal2Returned:
    return Aal2Returned(
        challenge_id=pending.challenge_id,
        open_id=OpenId(uuid4()),
        subject_id=pending.subject_id,
        aal2_session_id=session,
        code_hash=code_hash("a-code-of-the-intruder"),
        returned_at=datetime.now(UTC),
    )


FORGED = ["", "0" * 64, "x", "of another body", "with another key", "upper case"]


@pytest.mark.parametrize("kind", ["network-query.hie.completed", "identity"])
@pytest.mark.parametrize("forgery", FORGED)
async def test_a_forged_webhook_gains_nothing(
    database: Database,
    owner: asyncpg.Connection,
    process: Processor,
    jane: Person,
    kind: str,
    forgery: str,
) -> None:
    """I2, I9: without a signature or with a wrong one."""
    name = "ias.identity.verified.variant-a-payload" if kind == "identity" else kind
    body = json.dumps(records.sample(name)).encode()
    signature = {
        "of another body": records.vendor_signature(body + b" "),
        "with another key": records.vendor_signature(body, "another-key"),
        "upper case": records.vendor_signature(body).upper(),
    }.get(forgery, forgery)
    await _put_aside(database, owner, process, records.webhook(body, signature=signature))
    assert jane.patient_id == PATIENT


@pytest.mark.parametrize("forgery", ["", "0" * 64, "zz", "another key", "another place"])
async def test_a_forged_callback_gains_nothing(
    database: Database,
    owner: asyncpg.Connection,
    process: Processor,
    pending: Challenge,
    forgery: str,
) -> None:
    """I2: anyone can seal to the public key; only the ingress holds the MAC key."""
    record = records.callback(_returned(pending), mac=None if " " in forgery else forgery)
    name = (dict(record.headers)["ce_id"] or b"").decode()
    if forgery == "another key":
        where = place(Topic.CALLBACKS, "ias.callback.Aal2Returned", name)
        record = records.moved(record, ce_mac=records.mac_of(where, record.value, b"k" * 32))
    if forgery == "another place":
        where = place(Topic.WEBHOOKS, "ias.callback.Aal2Returned", name)
        record = records.moved(record, ce_mac=records.mac_of(where, record.value))
    await _put_aside(database, owner, process, record)


@pytest.mark.parametrize(
    "headers",
    [
        {"ce_id": str(uuid4())},
        {"ce_type": "ias.callback.LinkOpened"},
        {"ce_type": "ias.callback.Unheard"},
        {"ce_id": str(uuid4()), "ce_sealedfor": None},
    ],
)
async def test_a_sealed_callback_replayed_as_another_gains_nothing(
    database: Database,
    owner: asyncpg.Connection,
    process: Processor,
    pending: Challenge,
    headers: dict[str, Any],
) -> None:
    """I1, I2: id and type are part of what the MAC and the seal are over."""
    record = records.callback(_returned(pending))
    await process(record)
    assert await people.count(database, "aal2_session", challenge_id=pending.challenge_id) == 1
    await _put_aside(database, owner, process, records.moved(record, **headers))


async def test_a_sealed_callback_replayed_as_it_was_changes_nothing(
    database: Database, owner: asyncpg.Connection, process: Processor, pending: Challenge
) -> None:
    """I1."""
    record = records.callback(_returned(pending))
    await process(record)
    before, said = await _snapshot(owner), await kinds(database)
    await process(records.moved(record))
    assert (await _snapshot(owner), await kinds(database)) == (before, said)
    assert await told(database, Topic.DEAD_LETTERS) == []


@pytest.mark.parametrize(
    "headers", [{"ce_id": "moved"}, {"ce_type": "metriport.network-query.hie"}]
)
async def test_a_sealed_webhook_moved_elsewhere_gains_nothing(
    database: Database,
    owner: asyncpg.Connection,
    process: Processor,
    jane: Person,
    headers: dict[str, Any],
) -> None:
    """The seal is bound to topic, type and id."""
    body = records.sample("ias.identity.verified.variant-a-payload")
    record = records.moved(records.webhook(body, sealed=True), **headers)
    await _put_aside(database, owner, process, record)
    assert jane.patient_id == PATIENT


async def test_a_webhook_sealed_for_another_id_gains_nothing(
    database: Database, owner: asyncpg.Connection, process: Processor, jane: Person
) -> None:
    body = records.sample("ias.identity.verified.variant-a-payload")
    record = records.webhook(body, sealed=True, sealed_as="another")
    await _put_aside(database, owner, process, record)
    assert jane.patient_id == PATIENT


async def test_a_webhook_moved_to_the_callbacks_gains_nothing(
    database: Database, owner: asyncpg.Connection, process: Processor, jane: Person
) -> None:
    record = records.webhook(records.sample("network-query.hie.completed"))
    await _put_aside(database, owner, process, record._replace(topic=Topic.CALLBACKS))
    assert jane.patient_id == PATIENT


async def test_an_authentic_webhook_under_another_header_type_acts_as_its_signed_bytes_say(
    database: Database, process: Processor, jane: Person
) -> None:
    """The type is what Metriport signed, never what a header says."""
    record = records.webhook(records.sample("network-query.hie.completed"))
    await process(records.moved(record, ce_type="metriport.ias.identity.verified", ce_id="other"))
    await process(records.moved(record, ce_id="again"))  # nor does another ce_id make it new
    assert await kinds(database) == ["NetworkQuerySourceUpdated"]
    assert jane.patient_id == PATIENT


async def test_one_session_presented_for_two_subjects_is_stopped_for_both(
    database: Database, process: Processor, pending: Challenge, jane: Person
) -> None:
    """I2."""
    victor = await people.person(database, "victor", "patient-v")
    await process(records.callback(_returned(pending, victor.session_secret)))
    stolen = await people.row(database, "aal2_session", session_id=victor.session_id)
    assert stolen["state"] == "refused"
    assert await people.count(database, "aal2_session", subject_id=jane.subject_id) == 1
    assert (await only(database, "Aal2ChallengeFailed"))["reason"] == "identity_conflict"


async def test_a_callback_for_a_challenge_of_somebody_else_does_nothing(
    database: Database, owner: asyncpg.Connection, process: Processor, pending: Challenge
) -> None:
    """I2: also when it is authentic."""
    await people.person(database, "victor", "patient-v")
    before = await _snapshot(owner)
    content = _returned(pending._replace(subject_id=SubjectId("victor")))
    await process(records.callback(content))
    assert await _snapshot(owner) == before


async def test_a_click_on_somebody_elses_link_mints_no_page(
    database: Database, process: Processor, pending: Challenge
) -> None:
    """I2."""
    await people.person(database, "victor", "patient-v")
    content = LinkOpened(
        link_id=LinkId(pending.challenge_id),
        open_id=OpenId(uuid4()),
        subject_id=SubjectId("victor"),
        kind=StepKind.AAL2_CHALLENGE,
        opened_at=datetime.now(UTC),
    )
    await process(records.callback(content))
    row = await people.row(database, "hosted_page")
    assert (row["state"], row["reason"]) == ("refused", "link_expired")
    assert await people.count(database, "vendor_call", ref_id=content.open_id) == 0


async def test_a_webhook_that_names_another_patient_is_put_aside(
    database: Database, process: Processor, jane: Person
) -> None:
    """I9: a request id alone moves nothing."""
    body = records.sample("network-query.hie.completed")
    body["payload"]["patientId"] = PatientId("another")
    await process(records.webhook(body))
    (letter,) = await told(database, Topic.DEAD_LETTERS)
    assert letter.body["reason"] == "identity_conflict"
    rows = await people.count(database, "network_query_source", status="processing")
    assert rows == 3
    assert jane.patient_id == PATIENT
