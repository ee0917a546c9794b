"""What is kept of a stopped type, when its subject is erased; and where a kept record opens (I1, I7)."""

from datetime import datetime
from uuid import uuid4

import asyncpg
import pytest

from consumers import stopping
from consumers.context import Context
from consumers.holding import hold, open_held
from consumers.processor import Processor
from consumers.reading import RejectedError, kind_of
from consumers.resuming import Resumer
from schemas.callbacks import LinkOpened
from schemas.commands import LinkPatient
from schemas.events import StepKind
from schemas.ids import CommandId, LinkId, OpenId, PatientId, SubjectId
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse
from schemas.topics import Topic
from service.bus.received import Received
from service.crypto.keys import UnknownKeyError
from service.crypto.sealing import place
from service.store import held
from service.store.held import Kind
from service.store.pool import Database
from service.telemetry import metrics
from tests.support import people, records
from tests.support.outbox import kinds, told
from tests.support.records import SEALER

from .scene import NETWORK, busy_person, erase

SUBJECT, PATIENT = "jane", "patient-j"
LINKING = "ias.command.LinkPatient"


def _link(subject: str) -> Received:
    command = LinkPatient(
        command_id=CommandId(uuid4()),
        subject_id=SubjectId(subject),
        patient_id=PatientId(PATIENT),
        purpose=PurposeOfUse.IAS,
    )
    return records.command(command)._replace(key=subject.encode())


def _network(patient: str, request_id: str) -> Received:
    body = records.sample("network-query.hie.completed")
    body["meta"] |= {"requestId": request_id, "messageId": str(uuid4())}
    body["payload"]["patientId"] = patient
    return records.webhook(body)._replace(key=patient.encode())


def _consolidated(patient: str) -> Received:
    body = records.sample("medical.consolidated-data.completed")
    body["meta"] |= {"messageId": str(uuid4())}
    body["patients"][0]["patientId"] = patient
    return records.webhook(body)._replace(key=patient.encode())


def _opened(subject: str, now: datetime) -> Received:
    content = LinkOpened(
        link_id=LinkId(uuid4()),
        open_id=OpenId(uuid4()),
        subject_id=SubjectId(subject),
        kind=StepKind.AAL2_CHALLENGE,
        opened_at=now,
    )
    return records.callback(content)._replace(key=subject.encode())


async def _stop_and_hold(database: Database, *kept: Received) -> None:
    async with database.transaction() as unit:
        for record in kept:
            error = RejectedError(Reason.HANDLER_FAILED, "the handler failed")
            await stopping.stop(unit, kind_of(record), error)
            await hold(unit, SEALER, record)


async def _kept(database: Database) -> list[tuple[str, str]]:
    async with database.connection() as connection:
        rows = await connection.fetch("select topic, message_type from held_record order by 1, 2")
    return [(row["topic"], row["message_type"]) for row in rows]


def _dropped(kind: str) -> float:
    return float(metrics.LATE_FOR_ERASED.labels(kind)._value.get())  # noqa: SLF001 - the client has no other way to read one


async def test_an_erasure_deletes_what_is_kept_about_its_subject_and_nothing_else(
    database: Database, process: Processor
) -> None:
    """I7: commands, callbacks, and webhooks of patients to whom nobody else is linked."""
    await busy_person(database, SUBJECT, PATIENT)
    await busy_person(database, "shares", "patient-shared")
    await people.person(database, SUBJECT, "patient-shared")
    async with database.transaction() as unit:
        now = unit.now
    others = (
        _link("somebody-else"),
        _network("patient-of-nobody-here", "request-x"),
        _network("patient-shared", "request-y"),
        _consolidated(PATIENT),  # may be about other patients as well
    )
    mine = (_link(SUBJECT), _opened(SUBJECT, now), _network(PATIENT, f"{NETWORK}-{SUBJECT}"))
    await _stop_and_hold(database, *mine, *others)

    await process(records.command(erase(SUBJECT)))

    assert await _kept(database) == sorted(tuple(kind_of(record)) for record in others)


async def test_a_kept_command_that_an_erasure_deleted_is_ended_by_the_receipt(
    database: Database, process: Processor
) -> None:
    """I1, I4: its record comes again, because its offset was not committed, and acts no more."""
    await busy_person(database, SUBJECT, PATIENT)
    await _stop_and_hold(database, kept := _link(SUBJECT))
    await process(records.command(erase(SUBJECT)))
    await people.sql(database, "delete from stopped_type")
    await process(kept)
    assert (await kinds(database))[1:] == ["SubjectErased", "SubjectErased"]
    assert await people.count(database, "subject", subject_id=SUBJECT) == 0


@pytest.mark.parametrize("broken", [False, True])
async def test_what_an_older_release_kept_is_dropped_and_counted_when_it_comes_out(
    database: Database,
    owner: asyncpg.Connection,
    process: Processor,
    resumer: Resumer,
    *,
    broken: bool,
) -> None:
    """It names nobody, so that an erasure cannot find it; the resumer asks whether it was overtaken."""
    await busy_person(database, SUBJECT, PATIENT)
    value = b'{"subjectId": "%s"}' % SUBJECT.encode()
    kept = records.raw_command(LINKING, value) if broken else _link(SUBJECT)
    ours = _link("somebody-else")
    await _stop_and_hold(database, ours, kept)
    await owner.execute("update held_record set about = null")
    await process(records.command(erase(SUBJECT)))
    assert len(await _kept(database)) == 2
    before = _dropped(LINKING)

    await resumer.round()

    assert _dropped(LINKING) == before + 1
    assert await _kept(database) == []
    assert await people.count(database, "subject", subject_id=SUBJECT) == 0
    assert await people.count(database, "vendor_call", subject_id="somebody-else") == 1
    assert await told(database, Topic.DEAD_LETTERS) == []


async def test_a_webhook_that_comes_out_for_an_erased_subject_is_dropped_and_counted(
    database: Database, process: Processor, resumer: Resumer
) -> None:
    await busy_person(database, SUBJECT, PATIENT)
    await _stop_and_hold(database, _consolidated(PATIENT))
    await process(records.command(erase(SUBJECT)))
    before = _dropped("medical.consolidated-data")
    await resumer.round()
    assert _dropped("medical.consolidated-data") == before + 1
    assert await people.count(database, "parked_webhook") == 0
    assert await _kept(database) == []


async def test_a_command_that_was_sent_after_the_erasure_starts_afresh(
    database: Database, process: Processor, resumer: Resumer
) -> None:
    await busy_person(database, SUBJECT, PATIENT)
    await process(records.command(erase(SUBJECT)))
    await _stop_and_hold(database, _link(SUBJECT))
    await resumer.round()
    assert await people.count(database, "subject", subject_id=SUBJECT) == 1


async def test_a_kept_record_opens_in_its_own_row_only(
    database: Database, context: Context
) -> None:
    """S10: whoever can write to the table cannot make one record stand for another."""
    first, second = _link("one"), _link("other")
    await _stop_and_hold(database, first, second)
    one, other = await _open_rows(database)
    assert open_held(context.opener, one).value == first.value
    assert open_held(context.opener, other).value == second.value
    for moved in (
        one._replace(sealed=other.sealed),
        one._replace(record_digest=other.record_digest),
        one._replace(message_type="ias.command.RegisterPatient"),
        one._replace(topic=Topic.CALLBACKS),
    ):
        with pytest.raises(UnknownKeyError):
            open_held(context.opener, moved)


async def _open_rows(database: Database) -> list[held.Held]:
    async with database.transaction() as unit:
        return await held.oldest(unit, Kind(Topic.COMMANDS, LINKING), 10)


async def test_what_an_older_release_sealed_to_its_topic_still_comes_out(
    database: Database, owner: asyncpg.Connection, context: Context, resumer: Resumer
) -> None:
    """I1: such rows are marked, and no row of today opens that way."""
    record = _link(SUBJECT)
    await _stop_and_hold(database, record)
    (kept,) = await _open_rows(database)
    with pytest.raises(UnknownKeyError):
        open_held(context.opener, kept._replace(is_bound=False))
    where = place("held_record", Topic.COMMANDS, "record")
    sealed_before = SEALER.seal(
        context.opener.open(
            kept.sealed, place(f"held_record/{Topic.COMMANDS}", LINKING, kept.record_digest.hex())
        ),
        where,
    )
    await owner.execute("update held_record set bound = false, sealed = $1", sealed_before)
    await resumer.round()
    assert await _kept(database) == []
    assert await people.count(database, "vendor_call", subject_id=SUBJECT) == 1
