"""Whether Create Patient made a patient or found one: the vendor answers 201 either way."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.ids import PatientId
from schemas.metriport.api import Patient
from service.ias.registration import matched_existing

from .samples import PATIENT, patient

CALLED = datetime(2026, 6, 1, 13, 58, 41, tzinfo=UTC)


def test_the_sample_of_a_new_patient_is_new() -> None:
    assert not matched_existing(patient("api.create-patient.response.201"), "member-48213", CALLED)


def test_the_sample_of_a_matched_patient_is_an_existing_one() -> None:
    found = patient("api.create-patient.response.201-matched-existing")
    assert matched_existing(found, "member-48213", CALLED)
    assert matched_existing(found, "member-00017", CALLED), "an old patient of the same name"


@pytest.mark.parametrize(
    ("sent", "returned", "expected"),
    [
        ("a", "a", False),
        ("a", "b", True),
        ("a", None, True),
        (None, "a", True),
        (None, None, False),
        ("a", "A", True),
    ],
)
def test_another_external_id_means_that_the_patient_was_there(
    sent: str | None, returned: str | None, *, expected: bool
) -> None:
    answer = Patient(id=PatientId(PATIENT), external_id=returned, date_created=CALLED)
    assert matched_existing(answer, sent, CALLED) is expected


@pytest.mark.parametrize(
    ("minutes", "expected"), [(-60, True), (-5.1, True), (-5, False), (0, False), (5, False)]
)
def test_a_patient_created_before_the_call_was_there(minutes: float, *, expected: bool) -> None:
    created = CALLED + timedelta(minutes=minutes)
    answer = Patient(id=PatientId(PATIENT), date_created=created)
    assert matched_existing(answer, None, CALLED) is expected
