"""Whose eyes may a patient's data meet, and for what purpose (I9)."""

from collections.abc import Callable
from itertools import product

import pytest

from schemas.reasons import Reason
from schemas.sources import PurposeOfUse
from service.ias.entitlement import refuse_data
from service.ias.purpose import refuse_link, refuse_use
from service.ias.refusal import Refusal

IAS, TREATMENT = PurposeOfUse.IAS, PurposeOfUse.TREATMENT
OFF, OTHER, UNLINKED = (
    Reason.TREATMENT_DISABLED,
    Reason.PURPOSE_NOT_ALLOWED,
    Reason.PATIENT_NOT_LINKED,
)


def _reason(refusal: Refusal | None) -> Reason | None:
    """The reason; whatever is refused is also explained to people."""
    assert refusal is None or refusal.message
    return None if refusal is None else refusal.reason


@pytest.mark.parametrize(
    ("existing", "wanted", "enabled", "expected"),
    [
        (None, IAS, False, None),
        (None, IAS, True, None),
        (None, TREATMENT, False, OFF),
        (None, TREATMENT, True, None),
        (IAS, IAS, False, None),
        (IAS, IAS, True, None),
        (IAS, TREATMENT, False, OFF),
        (IAS, TREATMENT, True, OTHER),
        (TREATMENT, IAS, False, OTHER),
        (TREATMENT, IAS, True, OTHER),
        (TREATMENT, TREATMENT, False, OFF),
        (TREATMENT, TREATMENT, True, None),
    ],
)
def test_a_link_keeps_the_purpose_it_was_made_for(
    existing: PurposeOfUse | None, wanted: PurposeOfUse, *, enabled: bool, expected: Reason | None
) -> None:
    refusal = refuse_link(existing, wanted, treatment_enabled=enabled)
    assert _reason(refusal) is expected
    assert refusal is None or refusal.field == "purpose"


@pytest.mark.parametrize(
    ("link", "wanted", "enabled", "expected"),
    [
        (None, IAS, False, UNLINKED),
        (None, IAS, True, UNLINKED),
        (None, TREATMENT, False, UNLINKED),
        (None, TREATMENT, True, UNLINKED),
        (IAS, IAS, False, None),
        (IAS, IAS, True, None),
        (IAS, TREATMENT, False, OFF),
        (IAS, TREATMENT, True, OTHER),
        (TREATMENT, IAS, False, OTHER),
        (TREATMENT, IAS, True, OTHER),
        (TREATMENT, TREATMENT, False, OFF),
        (TREATMENT, TREATMENT, True, None),
    ],
)
def test_a_command_acts_on_a_link_of_its_own_purpose_only(
    link: PurposeOfUse | None, wanted: PurposeOfUse, *, enabled: bool, expected: Reason | None
) -> None:
    refusal = refuse_use(link, wanted, treatment_enabled=enabled)
    assert _reason(refusal) is expected
    at_fault = "patientId" if expected is UNLINKED else "purposeOfUse"
    assert refusal is None or refusal.field == at_fault


@pytest.mark.parametrize("refuse", [refuse_link, refuse_use])
@pytest.mark.parametrize(("linked", "wanted"), [(IAS, TREATMENT), (TREATMENT, IAS)])
def test_who_wants_another_purpose_is_told_which_one_the_link_has(
    refuse: Callable[..., Refusal | None], linked: PurposeOfUse, wanted: PurposeOfUse
) -> None:
    refusal = refuse(linked, wanted, treatment_enabled=True)
    assert refusal is not None
    assert linked in refusal.message
    assert wanted not in refusal.message


@pytest.mark.parametrize(
    ("link", "identity", "query", "expected"),
    [
        (IAS, True, True, None),
        (IAS, True, False, Reason.NO_ACCEPTED_QUERY),
        (IAS, False, True, Reason.NO_ACTIVE_IDENTITY),
        (IAS, False, False, Reason.NO_ACTIVE_IDENTITY),
        (TREATMENT, True, True, OTHER),
        (TREATMENT, True, False, OTHER),
        (TREATMENT, False, True, OTHER),
        (TREATMENT, False, False, OTHER),
        (None, True, True, UNLINKED),
        (None, True, False, UNLINKED),
        (None, False, True, UNLINKED),
        (None, False, False, UNLINKED),
    ],
)
def test_data_go_to_a_proofed_subject_with_an_accepted_query_of_their_own(
    link: PurposeOfUse | None, *, identity: bool, query: bool, expected: Reason | None
) -> None:
    """Of a linked patient no field of the command is at fault: what is missing is a step before it."""
    refusal = refuse_data(link, has_active_identity=identity, has_accepted_query=query)
    assert _reason(refusal) is expected
    at_fault = None if link is IAS else "patientId"
    assert refusal is None or refusal.field == at_fault


def test_there_is_exactly_one_way_to_a_patients_data() -> None:
    ways = [
        (link, identity, query)
        for link, identity, query in product([None, *PurposeOfUse], [True, False], [True, False])
        if refuse_data(link, has_active_identity=identity, has_accepted_query=query) is None
    ]
    assert ways == [(IAS, True, True)]
