"""What goes wrong on the way, and what each fault may and may not cause (I2, I3, I4)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.sources import Source
from service.store.pool import Database
from tests.metriport_sandbox.scripts import Fault, Outcome
from tests.stack.ports import free_port
from tests.support import people
from tests.support.outbox import bodies, kinds, only
from tests.support.people import Person

from .conftest import Gateway, Start, Vendor, let_probe, make_due, run_out, state_of

QUERY = "start-network-query"
NOWHERE = "http://127.0.0.1"


async def _postponed_by(database: Database) -> timedelta:
    row = await people.row(database, "vendor_call")
    assert row["state"] == "due"
    return timedelta(seconds=(row["due_at"] - datetime.now(UTC)).total_seconds())


def _fault(vendor: Vendor, kind: str, operation: str = QUERY, **more: Any) -> None:
    vendor.sandbox.scripts.faults.append(Fault(operation=operation, kind=kind, **more))


@pytest.mark.parametrize("kind", ["drop-answer", "reset", "status"])
async def test_a_query_whose_answer_is_lost_is_unknown_and_never_sent_again(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, kind: str
) -> None:
    """I3: sent, no answer, or an answer that tells nothing (503)."""
    query_id = await people.due_query(database, jane)
    _fault(vendor, kind)
    await gateway.settle()
    assert await kinds(database) == ["NetworkQueryOutcomeUnknown"]
    assert await state_of(database, query_id) == "unknown"
    await run_out(database)
    await make_due(database)
    await gateway.settle(3)
    assert len(vendor.calls(QUERY)) == 1
    assert await kinds(database) == ["NetworkQueryOutcomeUnknown"]


async def test_a_query_that_times_out_is_unknown(
    database: Database, start: Start, vendor: Vendor, jane: Person
) -> None:
    """I3."""
    gateway = await start(seconds=0.3)
    await people.due_query(database, jane)
    _fault(vendor, "delay-answer", seconds=30.0)
    await gateway.settle()
    assert await kinds(database) == ["NetworkQueryOutcomeUnknown"]
    assert len(vendor.calls(QUERY)) == 1


@pytest.mark.parametrize("body", ["", "not json", "{}", '{"requestId": 7, "status": "x"}'])
async def test_a_2xx_that_cannot_be_read_is_unknown(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, body: str
) -> None:
    """I3: the vendor accepted something, and we do not know what."""
    query_id = await people.due_query(database, jane)
    _fault(vendor, "status", status=200, body=body)
    await gateway.settle(2)
    assert await state_of(database, query_id) == "unknown"
    assert len(vendor.calls(QUERY)) == 1


async def test_a_query_that_was_never_sent_is_due_again_and_succeeds_later(
    database: Database, start: Start, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I3, I4: a refused connection is proof that nothing was sent."""
    query_id = await people.due_query(database, jane)
    nowhere = await start(url=f"{NOWHERE}:{free_port()}")
    await nowhere.settle()
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["hie_slot"]) == ("due", False)
    assert await kinds(database) == []
    await make_due(database)
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
    assert len(vendor.calls(QUERY)) == 1


async def test_a_single_use_session_is_not_spent_by_a_call_that_was_not_made(
    database: Database, start: Start, vendor: Vendor, jane: Person
) -> None:
    """I4: with ``AAL2_SESSION_REUSE=false`` too, the query goes out later."""
    query_id = await people.due_query(database, jane)
    nowhere = await start(url=f"{NOWHERE}:{free_port()}", session_reuse=False)
    await nowhere.settle()
    await make_due(database)
    gateway = await start(session_reuse=False)
    _fault(vendor, "status", status=429)
    await gateway.settle()
    await make_due(database)
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
    assert (await people.row(database, "aal2_session"))["uses"] == 1


async def test_a_single_use_session_serves_no_second_query(
    database: Database, start: Start, vendor: Vendor, jane: Person
) -> None:
    """I2."""
    gateway = await start(session_reuse=False)
    await people.due_query(database, jane, [Source.LAB])
    await people.due_query(database, jane, [Source.PHARMACY])
    await gateway.settle()
    assert len(vendor.calls(QUERY)) == 1
    assert (await only(database, "NetworkQueryRefused"))["reason"] == "session_required"


@pytest.mark.parametrize("retry_after", ["0", None, "2", "not a number"])
async def test_slow_down_waits_at_least_four_seconds(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, retry_after: str | None
) -> None:
    """I8: the vendor's own limiter says ``Retry-After: 0``."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    query_id = await people.due_query(database, jane)
    _fault(vendor, "status", status=429, headers=headers, body="Too many requests")
    await gateway.settle()
    assert timedelta(seconds=3) < await _postponed_by(database) <= timedelta(seconds=4)
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["hie_slot"]) == ("due", False)
    await gateway.settle()
    assert len(vendor.calls(QUERY)) == 1
    await make_due(database)
    await gateway.settle()
    assert await state_of(database, query_id) == "started"


async def test_slow_down_waits_as_long_as_the_vendor_says(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    await people.due_query(database, jane)
    _fault(vendor, "status", status=429, headers={"Retry-After": "90"})
    await gateway.settle()
    assert timedelta(seconds=85) < await _postponed_by(database) <= timedelta(seconds=90)


async def test_a_session_that_the_vendor_revoked_is_refused_with_a_good_key(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I2: the probe tells that the key is good, so it is the session."""
    await people.due_query(database, jane)
    vendor.sandbox.state.aal2_sessions[jane.session_secret].status = "expired"
    await gateway.settle()
    assert len(vendor.calls("get-settings")) == 1
    assert (await people.row(database, "aal2_session"))["state"] == "refused"
    await people.due_query(database, jane)
    await gateway.settle()
    assert len(vendor.calls(QUERY)) == 1  # a refused session is not presented again


async def test_a_bad_key_stops_nothing_for_good(
    database: Database, start: Start, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I4: our key is refused twice, so nobody's session is blamed and everything is kept."""
    query_id = await people.due_query(database, jane)
    keyless = await start(key="wrong")
    await keyless.settle()
    assert len(vendor.calls("get-settings")) == 2
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["hie_slot"]) == ("due", False)
    assert (await people.row(database, "aal2_session"))["state"] == "confirmed"
    assert await kinds(database) == ["DispatchStopped"]
    await make_due(database)
    await let_probe(database)
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
    assert len(vendor.sandbox.state.network_queries) == 1


async def test_a_key_refused_by_one_probe_alone_is_not_a_bad_key(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """A vendor that wavers: neither the key nor the person's session is blamed (I4)."""
    query_id = await people.due_query(database, jane)
    _fault(vendor, "status", status=401)
    _fault(vendor, "status", "get-settings", status=401)
    await gateway.settle()
    assert len(vendor.calls("get-settings")) == 2
    assert await _postponed_by(database) < timedelta(seconds=30)
    assert (await people.row(database, "aal2_session"))["state"] == "confirmed"
    await make_due(database)
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
    assert len(vendor.sandbox.state.network_queries) == 1


async def test_made_up_sessions_of_one_subject_stop_nobody_else(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I2, I4: each waits for its own person, with a good key; what is behind them is sent at once."""
    refused = []
    for patient in ("patient-m1", "patient-m2", "patient-m3"):
        other = await people.person(database, "mallory", patient)
        vendor.knows(other)
        del vendor.sandbox.state.aal2_sessions[other.session_secret]
        refused.append(await people.due_query(database, other))
    query_id = await people.due_query(database, jane)
    await gateway.settle()
    assert [await state_of(database, one) for one in refused] == ["waiting"] * 3
    assert await state_of(database, query_id) == "started"
    assert len(vendor.calls(QUERY)) == 4
    ours = await people.row(database, "aal2_session", session_id=jane.session_id)
    assert ours["state"] == "proven"


async def test_a_probe_that_tells_nothing_blames_nobody(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    query_id = await people.due_query(database, jane)
    vendor.sandbox.state.aal2_sessions[jane.session_secret].status = "expired"
    _fault(vendor, "reset", "get-settings", times=2)  # aiohttp itself repeats a GET once
    await gateway.settle()
    assert await state_of(database, query_id) == "due"
    assert (await people.row(database, "aal2_session"))["state"] == "confirmed"


async def test_a_patient_who_opted_out_is_refused_and_the_session_kept(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    await people.due_query(database, jane)
    vendor.patient(jane.patient_id).opted_out = True
    await gateway.settle()
    assert (await only(database, "NetworkQueryRefused"))["reason"] == "patient_opted_out"
    assert (await people.row(database, "aal2_session"))["state"] == "confirmed"


async def test_sources_that_fail_inside_a_2xx_are_told_one_by_one(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    query_id = await people.due_query(database, jane)
    outcomes = vendor.sandbox.scripts.outcomes
    outcomes.append(Outcome(of="hie", result="refused"))
    outcomes.append(Outcome(of="lab", result="refused", http_status=400))
    await gateway.settle()
    started = await only(database, "NetworkQueryStarted")
    found = {source["source"]: source for source in started["sources"]}
    assert {name: source["status"] for name, source in found.items()} == {
        "hie": "failed",
        "pharmacy": "processing",
        "lab": "failed",
    }
    assert found["lab"]["reason"] == "source_not_enabled"
    assert found["hie"]["reason"] == "source_failed"
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["hie_slot"]) == ("started", False)
    rows = await people.row(database, "network_query_source", query_id=query_id, source="lab")
    assert rows["status"] == "failed"


async def test_a_2xx_in_which_every_source_failed_is_a_failed_query(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I4: no webhook will ever come for it."""
    query_id = await people.due_query(database, jane)
    for source in ("hie", "pharmacy", "lab"):
        vendor.sandbox.scripts.outcomes.append(Outcome(of=source, result="refused"))
    await gateway.settle()
    assert (await only(database, "NetworkQueryFinished"))["status"] == "failed"
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["hie_slot"]) == ("failed", False)


@pytest.mark.parametrize("state", ["revoked", "superseded", "stopped"])
async def test_a_query_of_an_identity_that_is_no_longer_active_is_not_sent(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, state: str
) -> None:
    """I2: revoked between command and call."""
    query_id = await people.due_query(database, jane)
    await people.sql(database, "update identity set state = $1", state)
    await gateway.settle()
    assert vendor.calls(QUERY) == []
    assert await kinds(database) == ["NetworkQueryRefused"]
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["hie_slot"]) == ("refused", False)


@pytest.mark.parametrize(
    "change",
    [
        "returned_at = now() - interval '16 minutes'",
        "state = 'expired'",
        "state = 'received'",
    ],
)
async def test_a_query_whose_session_is_not_alive_is_not_sent(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, change: str
) -> None:
    """I2: too old, over or never confirmed by the time of the call."""
    await people.due_query(database, jane)
    await people.sql(database, f"update aal2_session set {change}")  # noqa: S608 - above
    await gateway.settle()
    assert vendor.calls(QUERY) == []
    assert (await only(database, "NetworkQueryRefused"))["reason"] == "session_required"


async def test_a_query_past_its_deadline_is_not_sent(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I4."""
    await people.due_query(database, jane)
    await people.sql(database, "update network_query set deadline = now()")
    await gateway.settle()
    assert vendor.calls(QUERY) == []
    assert (await only(database, "NetworkQueryRefused"))["reason"] == "deadline_passed"


async def test_a_box_of_another_person_is_never_sent_and_holds_nobody_up(
    database: Database, vendor: Vendor, gateway: Gateway, jane: Person
) -> None:
    """I2: a session moved in the table does not open; the call is not made."""
    other = await people.person(database, "victor", "patient-v")
    vendor.knows(other)
    moved = await people.due_query(database, jane)
    well = await people.due_query(database, other)
    await people.sql(
        database,
        "update aal2_session t set session_box = o.session_box from aal2_session o"
        " where t.session_id = $1 and o.session_id = $2",
        jane.session_id,
        other.session_id,
    )
    await gateway.settle()
    assert [call.query["patientId"] for call in vendor.calls(QUERY)] == ["patient-v"]
    assert await state_of(database, well) == "started"
    row = await people.row(database, "network_query", query_id=moved)
    assert (row["state"], row["hie_slot"]) == ("due", False)


async def test_a_subject_under_a_key_that_is_not_deployed_here_yet_holds_nobody_up(
    database: Database, vendor: Vendor, gateway: Gateway, jane: Person
) -> None:
    """I3: while keys rotate, a call waits for the key; it is neither made nor given up."""
    other = await people.person(database, "victor", "patient-v")
    vendor.knows(other)
    waits = await people.due_query(database, jane)
    well = await people.due_query(database, other)
    await people.sql(
        database,
        "update subject set data_key = set_byte(data_key, 0, get_byte(data_key, 0) # 1)"
        " where subject_id = $1",  # its first bytes name the key
        jane.subject_id,
    )
    await gateway.settle()
    assert [call.query["patientId"] for call in vendor.calls(QUERY)] == ["patient-v"]
    assert await state_of(database, well) == "started"
    assert (await people.row(database, "vendor_call", ref_id=waits))["state"] == "due"


async def test_a_lease_that_cannot_be_settled_yet_is_not_taken_for_work_done(
    database: Database, gateway: Gateway, jane: Person
) -> None:
    """A round that did nothing is followed by a pause: no loop at full speed, and no outcome lost."""
    query_id = await people.due_query(database, jane)
    gateway.dies = True
    await gateway.settle()
    await run_out(database)
    flip = (
        "update subject set data_key = set_byte(data_key, 0, get_byte(data_key, 0) # 1)"
        " where subject_id = $1"  # its first bytes name the key
    )
    await people.sql(database, flip, jane.subject_id)
    assert not await gateway.round()
    await people.sql(database, flip, jane.subject_id)
    assert await gateway.round()
    assert await state_of(database, query_id) == "unknown"


@pytest.mark.parametrize("kind", ["drop-answer", "status"])
async def test_a_lost_answer_to_create_patient_is_asked_for_again(
    database: Database, gateway: Gateway, vendor: Vendor, kind: str
) -> None:
    """I4: the vendor answers a repetition with the first one's patient."""
    person = (
        b'{"firstName":"Jane","lastName":"Smith","dob":"1996-02-10","genderAtBirth":"F",'
        b'"address":[{"addressLine1":"123 Arsenal St","city":"Phoenix","state":"AZ",'
        b'"zip":"85300"}]}'
    )
    await people.registering(database, "jane", demographics=person)
    _fault(vendor, kind, "create-patient")
    await gateway.settle()
    assert await kinds(database) == []
    await make_due(database)
    await gateway.settle()
    assert await kinds(database) == ["PatientRegistered"]
    assert len(vendor.sandbox.state.patients) == 1


async def test_a_call_that_stays_unclear_is_given_up_visibly(
    database: Database, gateway: Gateway, vendor: Vendor
) -> None:
    """I4."""
    await people.registering(database, "jane", patient="patient-k")
    _fault(vendor, "reset", "get-patient", times=100)
    for _ in range(8):
        await make_due(database)
        await gateway.settle()
    assert (await people.row(database, "vendor_call"))["attempts"] == 6
    assert (await only(database, "PatientRegistrationFailed"))["reason"] == "vendor_unclear"
    assert await bodies(database, "PatientRegistered") == []
