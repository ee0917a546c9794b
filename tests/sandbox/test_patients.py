from typing import Any

import pytest

from tests.metriport_sandbox.rules.matching import jaro_winkler, similarity

from .conftest import Clock, Start
from .driver import JANE, Driver

_ADDRESS = JANE["address"][0]
_TITLE = "Missing or invalid parameters"


def _address(**changes: Any) -> dict[str, Any]:
    return {"address": [_ADDRESS | changes]}


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        (_address(zip="12345"), "Invalid zip code, on [address,0,zip]"),
        (_address(zip="00000"), "Invalid zip code, on [address,0,zip]"),
        (_address(zip="70000"), "Invalid zip code, on [address,0,zip]"),
        (_address(zip="85300-1234"), "Invalid zip code, on [address,0,zip]"),
        (_address(state="Arizona"), "Invalid state, on [address,0,state]"),
        (_address(country="US"), 'expected "USA", on [address,0,country]'),
        ({"address": _ADDRESS | {"zip": "99999"}}, "Invalid zip code, on [address,zip]"),
        ({"address": []}, "Array must contain at least 1 element(s), on [address]"),
        ({"contact": [{}]}, "Either email or phone must be present, on [contact,0]"),
        ({"contact": {"phone": "5550134"}}, "Invalid phone, on [contact,phone]"),
        ({"dob": "2100-01-01"}, "on [dob]"),
        ({"dob": "1899-12-31"}, "on [dob]"),
        ({"dob": "02/10/1996"}, "Invalid date, on [dob]"),
        ({"firstName": "  "}, "on [firstName]"),
        ({"genderAtBirth": "X"}, "Expected 'M' | 'F' | 'O' | 'U', received 'X'"),
        ({"externalId": 5}, "Expected string, received number, on [externalId]"),
        ({"hie": {"ehex": {"exclude": True}}}, "ehex is not implemented"),
        ({"hie": {"other": {}}}, "Unrecognized key(s) in object: 'other', on [hie]"),
        ({"additionalIds": {"epic": []}}, "Unrecognized key(s) in object: 'epic'"),
    ],
)
async def test_bad_demographics_are_refused_with_the_vendors_envelope(
    api: Driver, changes: dict[str, Any], detail: str
) -> None:
    answer = await api.create(**changes)

    assert answer.status == 400
    assert list(answer.body) == ["status", "title", "detail", "name"]
    assert (answer.body["title"], answer.body["name"]) == (_TITLE, "Bad Request")
    assert detail in answer.body["detail"]


async def test_several_problems_come_in_one_refusal(api: Driver) -> None:
    answer = await api.create(**_address(zip="12345"), externalId=5)

    assert answer.body["detail"] == (
        "Invalid zip code, on [address,0,zip], Expected string, received number, on [externalId]"
    )


@pytest.mark.parametrize(
    ("changes", "key", "stored"),
    [
        (_address(zip=85300), "zip", "85300"),
        (_address(state="az"), "state", "AZ"),
        (_address(state="PR"), "state", "PR"),
        ({"contact": {"phone": "+1 (602) 555-0134"}}, "phone", "6025550134"),
        ({"dob": "1996-02-30"}, "dob", "1996-02-30"),
        ({"dob": "1996-02-10T10:00:00Z"}, "dob", "1996-02-10"),
    ],
)
async def test_odd_input_that_the_vendor_accepts_is_stored_its_way(
    api: Driver, changes: dict[str, Any], key: str, stored: str
) -> None:
    body = (await api.create(**changes)).body

    assert {**body, **body["address"][0], **body["contact"][0]}[key] == stored


async def test_unknown_keys_are_dropped_in_silence(api: Driver) -> None:
    answer = await api.create(favouriteColour="green")

    assert answer.status == 201
    assert "favouriteColour" not in answer.body


async def test_a_facility_is_demanded_and_must_exist(api: Driver) -> None:
    missing = await api.post("/medical/v1/patient", JANE)
    foreign = await api.post("/medical/v1/patient", JANE, params={"facilityId": "other"})

    assert missing.body["detail"] == "Missing facilityId query param"
    assert missing.body["title"] == "BadRequestError"
    assert (foreign.status, foreign.body["title"]) == (404, "NotFoundError")


async def test_a_similar_person_gets_the_stored_patient_unchanged_and_a_201(api: Driver) -> None:
    first = await api.create()
    again = await api.create(firstName="Janet", externalId="somebody-else")

    assert again.status == 201
    assert again.body == first.body
    assert again.body["externalId"] == "member-48213"


@pytest.mark.parametrize(
    "changes",
    [
        {"dob": "1996-02-11"},
        {"genderAtBirth": "U"},
        {"firstName": "Roberta", "lastName": "Quist"},
        {"contact": {"phone": "2125559988"}, "address": _ADDRESS | {"addressLine1": "9 Elm Rd"}},
    ],
)
async def test_a_person_who_differs_enough_is_a_new_patient(
    api: Driver, changes: dict[str, Any]
) -> None:
    assert await api.patient() != await api.patient(**changes)


async def test_an_equal_identifier_matches_whatever_the_name(api: Driver) -> None:
    ssn = {"personalIdentifiers": [{"type": "ssn", "value": "123-45-6789"}]}
    first = await api.patient(**ssn)

    assert await api.patient(firstName="Zelda", lastName="Quux", **ssn) == first


def test_jaro_winkler_gives_the_textbook_values() -> None:
    assert jaro_winkler("martha", "marhta") == pytest.approx(0.9611, abs=1e-4)
    assert jaro_winkler("dixon", "dicksonx") == pytest.approx(0.8133, abs=1e-4)
    assert jaro_winkler("", "x") == 0


def test_a_contact_that_only_one_side_has_does_not_count() -> None:
    without = {key: value for key, value in JANE.items() if key != "contact"}
    assert similarity(JANE, without) == pytest.approx(1)


async def test_the_patient_limit_has_its_own_bare_answer(start: Start) -> None:
    api = await start(patient_limit=1)
    await api.patient()
    answer = await api.create(dob="1990-01-01")

    assert answer.status == 400
    assert answer.body == {"message": "Cannot create more than 20 patients in Sandbox mode!"}


async def test_patients_are_found_by_id_and_by_external_id(api: Driver) -> None:
    patient = (await api.create()).body
    await api.create(dob="1990-01-01")
    by_id = await api.get(f"/medical/v1/patient/{patient['id']}")
    shared = await api.get("/medical/v1/patient/external-id", params={"externalId": "member-48213"})
    unknown = await api.get("/medical/v1/patient/nobody")

    assert by_id.body == patient
    assert shared.status == 400
    assert unknown.status == 404
    assert unknown.body["additionalInfo"] == {"id": "nobody"}


async def test_an_opted_out_patient_cannot_be_queried_until_opted_in_again(api: Driver) -> None:
    patient_id = await api.patient()
    path = f"/medical/v1/patient/{patient_id}/hie-opt-out"
    out = await api.call("PUT", path, params={"hieOptOut": "true"})
    refused = await api.query(patient_id)
    await api.call("PUT", path, params={"hieOptOut": "false"})

    assert out.body["message"] == "Patient has been opted out from the networks"
    assert (refused.status, refused.body["title"]) == (400, "PatientOptedOutError")
    assert (await api.get(path)).body["hieOptOut"] is False
    assert (await api.query(patient_id)).status == 200


async def test_the_sixteenth_write_in_a_minute_gets_text_and_a_useless_retry_after(
    api: Driver, clock: Clock
) -> None:
    answers = [await api.create() for _ in range(16)]
    clock.now += 60
    later = await api.create()

    assert {answer.status for answer in answers[:15]} == {201}
    refused = answers[15]
    assert refused.status == 429
    assert refused.headers["Content-Type"].startswith("text/html")
    assert refused.headers["Retry-After"] == "0"
    assert refused.headers["RateLimit-Remaining"] == "0"
    assert later.status == 201
