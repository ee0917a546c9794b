import uuid
from typing import Any

import pytest

from .conftest import Clock, Gate, Receiver, Start
from .driver import ALL_SOURCES, Driver

_FORBIDDEN = {
    "status": 403,
    "title": "ForbiddenError",
    "detail": "AAL2 session is missing, expired or does not belong to this identity",
    "name": "Forbidden",
}


async def test_an_ias_query_is_refused_without_a_fitting_session(api: Driver, clock: Clock) -> None:
    mine, other = await api.patient(), await api.patient(dob="1990-01-01")
    identity_id, secret = await api.identity(mine)
    other_identity, other_secret = await api.identity(other)
    session = await api.pass_challenge(identity_id, secret)
    foreign = await api.pass_challenge(other_identity, other_secret)

    assert (await api.ias_query(mine, identity_id, None)).body == _FORBIDDEN
    assert (await api.ias_query(mine, identity_id, "aal2_unknown")).body == _FORBIDDEN
    assert (await api.ias_query(mine, identity_id, foreign)).body == _FORBIDDEN
    assert (await api.ias_query(mine, other_identity, foreign)).status == 403
    assert (await api.ias_query(other, identity_id, session)).status == 403
    clock.now += 900
    assert (await api.ias_query(mine, identity_id, session)).body == _FORBIDDEN
    assert api.sandbox.state.network_queries == {}


async def test_an_ias_query_is_refused_once_identity_or_session_is_revoked(api: Driver) -> None:
    patient_id = await api.patient()
    identity_id, secret = await api.identity(patient_id)
    session = await api.pass_challenge(identity_id, secret)
    await api.post(f"/_sandbox/aal2-sessions/{session}", {"status": "expired"})
    assert (await api.ias_query(patient_id, identity_id, session)).body == _FORBIDDEN
    session = await api.pass_challenge(identity_id, secret)
    await api.post(f"/_sandbox/identities/{identity_id}", {"status": "revoked"})
    assert (await api.ias_query(patient_id, identity_id, session)).status == 403


async def test_a_session_serves_several_queries_unless_told_otherwise(start: Start) -> None:
    for single_use, expected in ((False, [200, 200]), (True, [200, 403])):
        api = await start(aal2_single_use=single_use)
        patient_id = await api.patient()
        identity_id, secret = await api.identity(patient_id)
        session = await api.pass_challenge(identity_id, secret)
        answers = [await api.ias_query(patient_id, identity_id, session) for _ in range(2)]
        assert [answer.status for answer in answers] == expected


async def test_a_forgotten_purpose_makes_a_treatment_query_in_silence(
    api: Driver, receiver: Receiver
) -> None:
    answer = await api.query(await api.patient())
    (done,) = await receiver.next("network-query.hie")

    assert answer.status == 200
    assert "purposeOfUse" not in done.body["payload"]


async def test_the_patient_is_looked_up_before_the_body_is_read(api: Driver) -> None:
    unknown = await api.query("nobody", {"sources": "nonsense"})
    missing = await api.post("/medical/v1/network/query", {"sources": ALL_SOURCES})

    assert (unknown.status, unknown.body["detail"]) == (404, "Could not find patient")
    assert (missing.status, missing.body["detail"]) == (400, "Missing patientId query param")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "Required, on [sources]"),
        ({"sources": {}}, "At least one source must be enabled"),
        ({"sources": {"hie": {"enabled": False}}}, "At least one source must be enabled"),
        ({"sources": {"hie": {"enabled": "true"}}}, "Expected boolean, received string"),
        ({"sources": {"hie": {"enabled": True, "realtime": True}}}, "key(s) in object: 'realtime'"),
        ({"sources": {"laboratory": {"enabled": True}}}, "key(s) in object: 'laboratory'"),
        ({"sources": []}, "Array must contain at least 1 element(s)"),
        ({"sources": ["laboratory"]}, "received 'laboratory'"),
        ({"sources": ["hie"], "metadata": {"k" * 41: ""}}, "at most 40 character(s)"),
        ({"sources": ["hie"], "metadata": {"k": "v" * 501}}, "at most 500 character(s)"),
        ({"sources": ["hie"], "metadata": {"k": 1}}, "Expected string, received number"),
    ],
)
async def test_bad_bodies_are_refused(api: Driver, body: dict[str, Any], detail: str) -> None:
    answer = await api.query(await api.patient(), body)

    assert answer.status == 400
    assert detail in answer.body["detail"]


async def test_bad_purposes_and_missing_identities_are_refused(api: Driver) -> None:
    patient_id = await api.patient()
    purpose = await api.query(patient_id, params={"purposeOfUse": "IAS"})
    identity = await api.query(patient_id, params={"purposeOfUse": "ias"})

    assert "Expected 'treatment' | 'ias', received 'IAS'" in purpose.body["detail"]
    assert identity.body["detail"] == "Required, on [proofedIdentityId]"


async def test_the_legacy_array_tolerates_duplicates_and_metadata_is_not_counted(
    api: Driver,
) -> None:
    body = {"sources": ["hie", "hie"], "metadata": {str(number): "" for number in range(51)}}
    answer = await api.query(await api.patient(), body)

    assert [source["type"] for source in answer.body["sources"]] == ["hie"]


async def test_sources_complete_in_order_and_each_says_so(api: Driver, receiver: Receiver) -> None:
    started = (await api.query(await api.patient())).body
    await receiver.next("network-query.lab")
    status = (await api.get(f"/medical/v1/network/query/{started['requestId']}")).body

    assert uuid.UUID(started["requestId"]).version == 7
    assert {source["status"] for source in started["sources"]} == {"processing"}
    assert sorted(webhook.type for webhook in receiver.received) == [
        "network-query.hie",
        "network-query.hie.first-data-ready",
        "network-query.lab",
        "network-query.pharmacy",
    ]
    assert status["status"] == "completed"
    assert all("completedAt" in source for source in status["sources"])


async def test_a_patient_who_is_no_persona_has_no_early_data(
    api: Driver, receiver: Receiver
) -> None:
    await api.query(await api.patient(firstName="Nobody"), {"sources": ["hie"]})
    await receiver.next("network-query.hie")

    assert receiver.of("network-query.hie.first-data-ready") == []


async def test_sources_that_are_not_enabled_fail_inside_a_200(start: Start) -> None:
    both = await start(sources=("hie",))
    answer = await both.query(await both.patient(), {"sources": ["hie", "lab"]})
    errors_only = await start(sources=("hie",), failed_listing="errors")
    short = await errors_only.query(await errors_only.patient(), {"sources": ["lab"]})

    assert answer.status == 200
    assert [source["status"] for source in answer.body["sources"]] == ["processing", "failed"]
    (error,) = answer.body["errors"]
    assert (error["source"], error["httpStatus"]) == ("lab", 400)
    assert error["message"] == "Laboratory data source is not enabled for this account"
    assert (short.body["status"], short.body["sources"]) == ("failed", [])


async def test_a_facility_the_patient_does_not_belong_to_fails_the_sources(api: Driver) -> None:
    answer = await api.query(
        await api.patient(), {"sources": ["hie"]}, params={"facilityId": "other"}
    )

    assert (answer.status, answer.body["status"]) == (200, "failed")


async def test_a_failed_source_may_send_no_webhook_and_makes_the_query_partial(
    api: Driver, receiver: Receiver
) -> None:
    outcome = {"of": "pharmacy", "result": "failed", "notify": False}
    assert (await api.post("/_sandbox/outcomes", outcome)).status == 201
    started = (await api.query(await api.patient())).body
    await receiver.next("network-query.lab")
    status = (await api.get(f"/medical/v1/network/query/{started['requestId']}")).body

    assert status["status"] == "partial"
    assert status["errors"][0]["source"] == "pharmacy"
    assert receiver.of("network-query.pharmacy") == []


async def test_a_second_hie_query_for_a_busy_patient_never_finishes(
    start: Start, receiver: Receiver
) -> None:
    gate = Gate()
    api = await start(sleep=gate)
    patient_id = await api.patient()
    first = (await api.query(patient_id, {"sources": ["hie"]})).body
    second = (await api.query(patient_id, {"sources": ["hie"]})).body
    gate.open()
    (done,) = await receiver.next("network-query.hie")
    third = (await api.query(patient_id, {"sources": ["hie"]})).body
    both = await receiver.next("network-query.hie", count=2)
    stuck = (await api.get(f"/medical/v1/network/query/{second['requestId']}")).body

    assert first["requestId"] != second["requestId"]
    assert done.body["meta"]["requestId"] == first["requestId"]
    assert both[1].body["meta"]["requestId"] == third["requestId"]
    assert stuck["status"] == "processing"


async def test_unknown_queries_are_not_found_and_ids_must_be_uuids(api: Driver) -> None:
    unknown = await api.get(f"/medical/v1/network/query/{uuid.uuid4()}")
    nonsense = await api.get("/medical/v1/network/query/latest")

    assert (unknown.status, unknown.body["detail"]) == (404, "Network query not found")
    assert nonsense.status == 400


async def test_the_running_word_of_the_docs_can_be_had(start: Start) -> None:
    api = await start(running_word="in-progress")
    answer = await api.query(await api.patient(), {"sources": ["hie"]})

    assert answer.body["status"] == answer.body["sources"][0]["status"] == "in-progress"


async def test_per_source_limits_show_up_inside_a_200(start: Start) -> None:
    api = await start(limits={"network-query-lab": 1})
    patient_id = await api.patient()
    answers = [await api.query(patient_id, {"sources": ["lab"]}) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    assert answers[1].body["errors"][0]["httpStatus"] == 429
