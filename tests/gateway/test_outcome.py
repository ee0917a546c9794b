"""What an answer means: every recorded error, and every shape that a body can have."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reasons import Reason
from service.gateway.outcome import (
    POLITE,
    Accepted,
    CredentialDoubt,
    KeyRefused,
    NotSent,
    Outcome,
    Refused,
    SlowDown,
    Unknown,
    VendorResponse,
    classify,
    settle_doubt,
)

from .samples import ERRORS, response

NOW = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
GENERIC = Refused(Reason.VENDOR_REFUSED, 400, may_mean_session=True)
OPTED_OUT = Refused(Reason.PATIENT_OPTED_OUT, 400)
PATIENT_LIMIT = Refused(Reason.PATIENT_LIMIT_REACHED, 400)
NO_PATIENT = Refused(Reason.PATIENT_NOT_FOUND, 404)
SLOW = SlowDown(POLITE)

EXPECTED: dict[str, Outcome] = {
    "error.400.bad-request": GENERIC,
    "error.400.opted-out": OPTED_OUT,
    "error.400.sandbox-patient-limit": PATIENT_LIMIT,
    "error.400.validation": Refused(Reason.INVALID_FIELD, 400, "address.0.zip"),
    "error.401.assumed": CredentialDoubt(401),
    "error.403.aal2-session-invalid.assumed": CredentialDoubt(403),
    "error.403.app": CredentialDoubt(403),
    "error.403.gateway": CredentialDoubt(403),
    "error.404.docs-style-name": NO_PATIENT,
    "error.404.network-query": NO_PATIENT,
    "error.404.resource": NO_PATIENT,
    "error.412.version-mismatch": Refused(Reason.VENDOR_REFUSED, 412, may_mean_session=True),
    "error.423.update-while-querying": SLOW,
    "error.429.envelope": SLOW,
    "error.429.gateway-throttle": SLOW,
    "error.500": Unknown(500),
    "error.504.gateway": Unknown(504),
}
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html"}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


def _classify(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Outcome:
    return classify(VendorResponse(status=status, headers=headers or {}, body=body), NOW)


def test_every_recorded_error_has_its_expectation() -> None:
    assert sorted(EXPECTED) == ERRORS


@pytest.mark.parametrize("name", ERRORS)
def test_every_recorded_error_means_what_is_written_here(name: str) -> None:
    assert classify(response(name), NOW) == EXPECTED[name]


@pytest.mark.parametrize("name", [name for name in ERRORS if name.startswith("error.4")])
def test_name_and_detail_decide_nothing(name: str) -> None:
    """They differ between the vendor's docs and code."""
    recorded = response(name)
    body = recorded.body.replace(b'"name": "', b'"name": "X').replace(
        b'"detail": "', b'"detail": "X'
    )
    changed = VendorResponse(status=recorded.status, headers=recorded.headers, body=body)
    assert classify(changed, NOW) == EXPECTED[name]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"", JSON),
        (b"Bad Request", {"content-type": "text/plain"}),
        (b"<html><body>400 Bad Request</body></html>", HTML),
        (b'{"status":400,"title":"PatientOptedOutErr', JSON),
        (b"[]", JSON),
        (b"null", JSON),
        (b'"text"', JSON),
        (b'{"message":{"nested":[1]}}', JSON),
        (b'{"message":null,"title":null,"detail":5}', JSON),
        (b'{"title":5}', JSON),
        (b"\xff\xfe\x00", JSON),
        (b"[" * 100_000, JSON),
        (b'{"detail":' + b"[" * 5000, JSON),
    ],
)
def test_a_body_of_any_shape_is_a_plain_refusal(body: bytes, headers: dict[str, str]) -> None:
    assert _classify(400, body, headers) == GENERIC


def test_a_title_counts_whatever_the_content_type_says() -> None:
    body = b'{"title":"PatientOptedOutError"}'
    for headers in ({}, HTML, {"content-type": "nonsense"}):
        assert _classify(400, body, headers) == OPTED_OUT


@pytest.mark.parametrize("status", [400, 409, 412, 422])
def test_refusals_that_may_mean_the_session_say_so(status: int) -> None:
    expected = Refused(Reason.VENDOR_REFUSED, status, may_mean_session=True)
    assert _classify(status) == expected


@pytest.mark.parametrize("status", [402, 405, 406, 410, 413, 415, 418, 431, 451])
def test_other_refusals_are_for_good_and_not_the_sessions(status: int) -> None:
    assert _classify(status) == Refused(Reason.VENDOR_REFUSED, status)


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("PatientOptedOutError", Reason.PATIENT_OPTED_OUT),
        ("PatientWithoutTreatmentRelationshipError", Reason.VENDOR_REFUSED),
        ("Missing or invalid parameters", Reason.INVALID_FIELD),
    ],
)
def test_a_known_refusal_is_never_taken_for_the_session(title: str, reason: Reason) -> None:
    """Else a person would be challenged again for nothing."""
    assert _classify(400, f'{{"title":"{title}"}}'.encode()) == Refused(reason, 400)


@pytest.mark.parametrize(
    ("detail", "field"),
    [
        ("Invalid zip code, on [address,0,zip]", "address.0.zip"),
        ("a, on [externalId], b, on [dob]", "externalId"),
        ("no path", None),
        ("on []", None),
        ("on [jane.smith@example.com]", None),
        ("on [two words]", None),
    ],
)
def test_a_validation_text_tells_the_path_of_its_first_field_and_nothing_else(
    detail: str, field: str | None
) -> None:
    body = f'{{"title":"Missing or invalid parameters","detail":"{detail}"}}'.encode()
    assert _classify(400, body) == Refused(Reason.INVALID_FIELD, 400, field)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"message":"Not Found"}', JSON),
        (b"<html><h1>Not Found</h1></html>", HTML),
        (b"Not Found", {"content-type": "text/plain"}),
        (b'{"status":404,"title":"NotFoundErr', JSON),
        (b'{"title":404}', JSON),
        (b"", {}),
    ],
)
def test_a_404_that_is_not_the_applications_own_is_not_a_missing_patient(
    body: bytes, headers: dict[str, str]
) -> None:
    """A wrong METRIPORT_API_URL must not look like wrong patient ids."""
    assert _classify(404, body, headers) == Refused(Reason.VENDOR_REFUSED, 404)


@pytest.mark.parametrize("status", [100, 101, 102, 103, 199, 600, 999])
def test_a_status_that_nobody_defined_as_an_end_is_unknown(status: int) -> None:
    """I3."""
    assert _classify(status) == Unknown(status)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"Too many requests, please try again later.", {**HTML, "retry-after": "0"}),
        (b'{"message":"Too Many Requests"}', JSON),
        (b'{"message":"Limit Exceeded"}', {**JSON, "retry-after": "0"}),
        (b'{"status":429,"title":"TooManyRequestsError"}', JSON),
        (b"", {}),
    ],
)
def test_each_shape_of_429_means_to_slow_down(body: bytes, headers: dict[str, str]) -> None:
    assert _classify(429, body, headers) == SLOW


@pytest.mark.parametrize("status", [408, 500, 501, 502, 503, 504, 520, 599])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"title":"PatientOptedOutError"}'])
def test_an_answer_that_may_follow_the_work_is_unknown(status: int, body: bytes) -> None:
    """I3: whatever the body says, the call may have been accepted."""
    assert _classify(status, body) == Unknown(status)


def test_a_503_with_retry_after_is_still_unknown() -> None:
    assert _classify(503, b"", {"retry-after": "5"}) == Unknown(503)


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirect_of_the_request_is_refused_and_not_followed(status: int) -> None:
    """I7: secrets go to the configured host alone."""
    headers = {"location": "https://evil.example/"}
    assert _classify(status, b"", headers) == Refused(Reason.VENDOR_REFUSED, status)


@pytest.mark.parametrize("status", [300, 302, 303, 304, 305, 399])
def test_a_redirect_that_may_lead_to_a_result_is_unknown(status: int) -> None:
    """I3: what may have been done is neither repeated nor told as refused (RFC 9110 §15.4.4)."""
    headers = {"location": "https://evil.example/"}
    assert _classify(status, b"", headers) == Unknown(status)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
@pytest.mark.parametrize("body", [b"", b"{}", b"<html>"])
def test_a_2xx_is_accepted_whatever_it_says(status: int, body: bytes) -> None:
    assert _classify(status, body) == Accepted(body)


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=60) | JSON_VALUES.map(lambda value: str(value).encode()),
    headers=st.dictionaries(st.sampled_from(["retry-after", "content-type"]), st.text(max_size=30)),
)
def test_no_answer_makes_classifying_fail(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    outcome = _classify(status, body, headers)
    assert isinstance(outcome, Accepted) is (200 <= status < 300)


@pytest.mark.parametrize(
    ("probe", "again", "expected"),
    [
        (Accepted(b"{}"), None, Refused(Reason.VENDOR_REFUSED, 403, may_mean_session=True)),
        (CredentialDoubt(401), CredentialDoubt(401), KeyRefused()),
        (CredentialDoubt(403), CredentialDoubt(401), KeyRefused()),
        (CredentialDoubt(401), None, SLOW),
        (CredentialDoubt(401), Accepted(b"{}"), SLOW),
        (CredentialDoubt(401), Unknown(), SLOW),
        (CredentialDoubt(401), NotSent(), SLOW),
        (SlowDown(POLITE * 9), None, SLOW),
        (Unknown(502), None, SLOW),
        (Unknown(), None, SLOW),
        (NotSent(), None, SLOW),
        (KeyRefused(), None, SLOW),
        (Refused(Reason.PATIENT_NOT_FOUND, 404), None, SLOW),
    ],
)
def test_probes_with_the_same_key_settle_the_doubt(
    probe: Outcome, again: Outcome | None, expected: Outcome
) -> None:
    """Only a good key puts the blame on a person's session; only one refused twice is a bad one."""
    assert settle_doubt(CredentialDoubt(403), probe, again) == expected


def test_no_repr_shows_a_body_or_a_header() -> None:
    """I7."""
    secret: Any = VendorResponse(
        status=200, headers={"location": "K4n4ry"}, body=b'{"sessionUrl":"K4n4ry"}'
    )
    assert "K4n4ry" not in repr(secret)
    assert "K4n4ry" not in repr(classify(secret, NOW))
