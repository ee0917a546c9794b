"""Reading ``ias.identity.verified``: tolerant of where fields stand, strict about what they say."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ias.identity import read_claim

from .samples import PATIENT, body, identity

PROOFED = "pid_0199b0caf4d57e90"
SESSION = "ids_0199b0c9a1b27c33"
OURS = "0199b0c8-0000-7000-8000-000000000001"
A, B = (
    "webhook.ias.identity.verified.variant-a-payload",
    "webhook.ias.identity.verified.variant-b-toplevel",
)
FIELDS = {"proofedIdentityId": PROOFED, "patientId": PATIENT}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def _webhook(payload: Any = None, data: Any = None, **top: Any) -> Any:
    meta: dict[str, Any] = {"messageId": "7f6de1ce", "type": "ias.identity.verified"}
    if data is not None:
        meta["data"] = data
    return {"meta": meta, **({} if payload is None else {"payload": payload}), **top}


@pytest.mark.parametrize("name", [A, B])
def test_both_reconstructed_shapes_say_the_same(name: str) -> None:
    claim = read_claim(identity(body(name)))
    assert claim is not None
    assert claim.proofed_identity_id == PROOFED
    assert claim.patient_id == PATIENT
    assert claim.vendor_session_ids == (SESSION,)
    assert claim.verification_id is None
    assert claim.verified_at == datetime(2026, 6, 1, 14, 21, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    [
        _webhook(payload=FIELDS),
        _webhook(**FIELDS),
        _webhook(data=FIELDS),
        _webhook(payload={"proofedIdentityId": PROOFED}, patientId=PATIENT),
        _webhook(payload={"patientId": PATIENT}, data={"proofedIdentityId": PROOFED}),
        _webhook(payload={"proofedIdentityId": 5, "patientId": ""}, **FIELDS),
        _webhook(payload={"proofedIdentityId": None, "patientId": "x" * 256}, data=FIELDS),
        _webhook(payload={**FIELDS, "status": "active", "unknown": {"new": 1}}),
    ],
)
def test_fields_are_found_wherever_they_stand(raw: Any) -> None:
    claim = read_claim(identity(raw))
    assert claim is not None
    assert (claim.proofed_identity_id, claim.patient_id) == (PROOFED, PATIENT)


def test_the_payload_comes_before_the_top_level_and_that_before_metadata() -> None:
    raw = _webhook(
        payload={"proofedIdentityId": "one"},
        data={"proofedIdentityId": "three", "patientId": "three"},
        proofedIdentityId="two",
        patientId="two",
    )
    claim = read_claim(identity(raw))
    assert claim is not None
    assert (claim.proofed_identity_id, claim.patient_id) == ("one", "two")


@pytest.mark.parametrize("missing", ["proofedIdentityId", "patientId"])
@pytest.mark.parametrize("value", [None, "", 5, [], {}, True, "x" * 256, "a\x00b", "a\nb"])
def test_a_webhook_without_a_usable_identity_or_patient_claims_nothing(
    missing: str, value: Any
) -> None:
    assert read_claim(identity(_webhook(payload={**FIELDS, missing: value}))) is None


@pytest.mark.parametrize(
    "status", ["pending", "revoked", "Active", "", "completed", 1, True, [], ["active"], {}, 0]
)
def test_a_status_other_than_active_is_not_usable(status: Any) -> None:
    assert read_claim(identity(_webhook(payload={**FIELDS, "status": status}))) is None
    assert read_claim(identity(_webhook(payload=FIELDS, status=status))) is None


def test_an_absent_status_is_accepted() -> None:
    assert read_claim(identity(_webhook(payload=FIELDS))) is not None
    assert read_claim(identity(_webhook(payload={**FIELDS, "status": None}))) is not None


def test_every_id_that_may_be_the_vendors_session_is_offered_once() -> None:
    raw = _webhook(payload={**FIELDS, "sessionId": "ids_1", "identitySessionId": "ids_2"})
    raw["meta"]["requestId"] = "ids_1"
    claim = read_claim(identity(raw))
    assert claim is not None
    assert claim.vendor_session_ids == ("ids_1", "ids_2")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"iasVerificationId": OURS}, UUID(OURS)),
        ({"iasVerificationId": OURS, "flow": "ias"}, UUID(OURS)),
        ({"iasVerificationId": "not a uuid"}, None),
        ({"iasVerificationId": 5}, None),
        ({"iasVerificationId": [OURS]}, None),
        ({"flow": "ias"}, None),
        ([OURS], None),
        (OURS, None),
        (None, None),
    ],
)
def test_our_id_comes_from_metadata_alone(data: Any, expected: UUID | None) -> None:
    payload = {**FIELDS, "iasVerificationId": OURS}
    claim = read_claim(identity(_webhook(payload=payload, data=data)))
    assert claim is not None
    assert claim.verification_id == expected


@pytest.mark.parametrize("when", ["yesterday", "2026-06-01T14:21:07", 1780323667, None, "", []])
def test_a_time_that_names_no_instant_is_no_time(when: Any) -> None:
    claim = read_claim(identity(_webhook(payload={**FIELDS, "verifiedAt": when})))
    assert claim is not None
    assert claim.verified_at is None


@given(
    fields=st.dictionaries(
        st.sampled_from(
            ["proofedIdentityId", "patientId", "sessionId", "identitySessionId", "verifiedAt"]
        ),
        JSON,
    ),
    data=JSON,
    top=st.dictionaries(st.sampled_from(["status", "sessionId", "extra"]), JSON),
)
def test_no_json_in_any_field_makes_reading_fail(
    fields: dict[str, Any], data: Any, top: dict[str, Any]
) -> None:
    claim = read_claim(identity(_webhook(payload=fields, data=data, **top)))
    assert claim is None or (claim.proofed_identity_id and claim.patient_id)


def test_a_claim_does_not_show_the_proofed_identity() -> None:
    """I7."""
    claim = read_claim(identity(body(A)))
    for shown in (repr(claim), str(claim), f"{[claim]}"):
        assert PROOFED not in shown
