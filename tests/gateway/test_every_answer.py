"""The whole table of answers: every status with every shape of body that the vendor is known to send.

Shapes and statuses are those of the vendor's published code and docs: the application's envelope, its
limiter's text, the gateway's ``{"message"}``, and what stands in front of both.
"""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.reasons import Reason
from service.gateway.outcome import (
    Accepted,
    CredentialDoubt,
    Outcome,
    Refused,
    SlowDown,
    Unknown,
    VendorResponse,
    classify,
)

NOW = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
JSON, HTML, TEXT = "application/json", "text/html; charset=utf-8", "text/plain"
SHAPES: dict[str, tuple[str | None, bytes]] = {
    "the envelope": (JSON, b'{"status":0,"title":"AnyError","detail":"d","name":"n"}'),
    "the envelope with more": (JSON, b'{"title":"AnyError","additionalInfo":{"id":"x"},"new":[]}'),
    "the envelope cut short": (JSON, b'{"status":0,"title":"AnyErr'),
    "the gateway's": (JSON, b'{"message":"Endpoint request timed out"}'),
    "the gateway's null": (JSON, b'{"message":null}'),
    "a JSON text": (JSON, b'"Document querying currently in progress"'),
    "JSON of another kind": (JSON, b"[]"),
    "text": (TEXT, b"Forbidden"),
    "text that says JSON": (JSON, b"Too many requests, please try again later."),
    "JSON that says HTML": (HTML, b'{"title":"AnyError"}'),
    "HTML": (HTML, b"<html><head><title>Any</title></head><body>Any</body></html>"),
    "no UTF-8": (JSON, b'{"title":"\xff"}'),
    "nothing": (JSON, b""),
    "nothing, not even a type": (None, b""),
}
ENVELOPES = {"the envelope", "the envelope with more", "JSON that says HTML"}
STATUSES = [
    *(200, 201, 202, 204),
    *(301, 302, 303, 304, 307, 308),
    *(400, 401, 402, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 423, 425, 429, 451),
    *(500, 501, 502, 503, 504, 511, 520),
]
MAY_MEAN_SESSION = {400, 409, 412, 422}
"""Documented errors of an ias start; 401 and 403 are settled by a probe."""


def _expected(status: int, shape: str) -> Outcome:
    if status < 300:
        return Accepted(SHAPES[shape][1])
    if status in {401, 403}:
        return CredentialDoubt(status)
    if status in {423, 429}:
        return SlowDown(timedelta(seconds=4))
    if status in {302, 303, 304, 408} or status >= 500:
        return Unknown(status)
    if status == 404 and shape in ENVELOPES:
        return Refused(Reason.PATIENT_NOT_FOUND, 404)
    return Refused(Reason.VENDOR_REFUSED, status, may_mean_session=status in MAY_MEAN_SESSION)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_with_every_shape(status: int) -> None:
    outcomes, expected = {}, {}
    for shape, (content_type, body) in SHAPES.items():
        headers = {} if content_type is None else {"content-type": content_type}
        answer = VendorResponse(status=status, headers=headers, body=body)
        outcomes[shape] = classify(answer, NOW)
        expected[shape] = _expected(status, shape)
    assert outcomes == expected


KINDS_OF_429 = {
    "the limiter's": (HTML, b"Too many requests, please try again later."),
    "the gateway's throttle": (JSON, b'{"message":"Too Many Requests"}'),
    "the gateway's quota": (JSON, b'{"message":"Limit Exceeded"}'),
    "the envelope": (JSON, b'{"status":429,"title":"TooManyRequestsError"}'),
}
WAITS = {
    None: 4,
    "0": 4,
    "2": 4,
    "17": 17,
    "86400": 300,
    "Mon, 01 Jun 2026 15:01:30 GMT": 90,
    "Mon, 01 Jun 2026 14:59:00 GMT": 4,
    "Tue, 02 Jun 2026 15:00:00 GMT": 300,
    "in a while": 4,
    "": 4,
}
"""``Retry-After`` → seconds: never sooner than 4 (the limiter says 0), never later than 5 minutes."""


@pytest.mark.parametrize("kind", KINDS_OF_429)
def test_every_429_waits_as_long_as_its_header_says_within_bounds(kind: str) -> None:
    content_type, body = KINDS_OF_429[kind]
    for said, seconds in WAITS.items():
        if said is None and kind == "the gateway's quota":
            seconds = 300  # noqa: PLW2901 - a used up day lasts, and the vendor does not say how long
        headers = {"content-type": content_type} | ({} if said is None else {"retry-after": said})
        answer = VendorResponse(status=429, headers=headers, body=body)
        assert classify(answer, NOW) == SlowDown(timedelta(seconds=seconds)), said


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("said", ["0", "17", "Mon, 01 Jun 2026 15:01:30 GMT"])
def test_an_invitation_to_come_back_does_not_make_a_fault_safe_to_repeat(
    status: int, said: str
) -> None:
    """I3: the gateway in front gives up at 29 s, and the application behind it may go on."""
    answer = VendorResponse(status=status, headers={"retry-after": said}, body=b"")
    assert classify(answer, NOW) == Unknown(status)
