"""What a consolidated query delivers, and until when its link works."""

from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import SubjectId
from schemas.metriport.webhooks import ConsolidatedPatient
from schemas.reasons import Reason
from service.ias.aal2_steps import rejected
from service.ias.consolidated import (
    DataLink,
    Failed,
    NoData,
    link_expiry,
    read_delivery,
    refuse_range,
)
from service.ias.telling import head

from .samples import PATIENT, body, consolidated
from .told import told

SENT = datetime(2026, 6, 1, 15, 12, 9, 700000, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 15, 12, 12, tzinfo=UTC)
SIGNED_UNTIL = datetime(2026, 6, 1, 15, 8, tzinfo=UTC)
"""Signed at 15:05:00 for 180 seconds, as the samples' links say."""
COMPLETED = "webhook.medical.consolidated-data.completed"


def _read(name: str, conversion_type: str = "json") -> DataLink | NoData | Failed:
    (patient,) = consolidated(f"webhook.medical.consolidated-data.{name}").patients
    assert patient.patient_id == PATIENT
    return read_delivery(patient, conversion_type, SENT, NOW)


def _delivered(change: Any) -> DataLink | NoData | Failed:
    raw = deepcopy(body(COMPLETED)["patients"][0])
    change(raw)
    return read_delivery(msgspec.convert(raw, ConsolidatedPatient), "json", SENT, NOW)


def _content(raw: Any) -> Any:
    return raw["bundle"]["entry"][0]["resource"]["content"]


def test_a_completed_query_brings_the_link_of_the_wanted_kind() -> None:
    link = _read("completed")
    assert isinstance(link, DataLink)
    assert link.url == _content(body(COMPLETED)["patients"][0])[0]["attachment"]["url"]
    assert (link.content_type, link.expires_at) == ("application/json", SIGNED_UNTIL)


def test_a_pdf_brings_a_pdf() -> None:
    link = _read("pdf", "pdf")
    assert isinstance(link, DataLink)
    assert "_MR.pdf?" in link.url
    assert link.content_type == "application/pdf"


def test_the_gzip_twin_is_not_taken_for_json_wherever_it_stands() -> None:
    link = _delivered(lambda raw: _content(raw).reverse())
    assert isinstance(link, DataLink)
    assert "_MR.json?" in link.url


def test_an_empty_bundle_means_that_there_are_no_data() -> None:
    assert _read("empty-bundle") == NoData()


def test_a_failed_query_is_failed() -> None:
    assert _read("failed") == Failed()


@pytest.mark.parametrize(("name", "wanted"), [("completed", "pdf"), ("pdf", "json")])
def test_a_link_of_another_kind_is_not_handed_out(name: str, wanted: str) -> None:
    assert _read(name, wanted) == Failed()


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.pop("bundle"),
        lambda raw: raw.update(status="failed"),
        lambda raw: raw.update(status="processing"),
        lambda raw: raw["bundle"]["entry"][0]["resource"].pop("content"),
        lambda raw: _content(raw).clear(),
        lambda raw: [content["attachment"].pop("url") for content in _content(raw)],
        lambda raw: [content["attachment"].update(url="") for content in _content(raw)],
        lambda raw: [content["attachment"].pop("contentType") for content in _content(raw)],
    ],
)
def test_a_document_without_its_link_is_a_failure_and_never_no_data(change: Any) -> None:
    """To tell a person that there are no records needs an empty bundle, not a broken one."""
    assert _delivered(change) == Failed()


def test_a_delivered_link_without_a_signature_lives_three_minutes_from_its_webhook() -> None:
    """A15."""

    def unsigned(raw: Any) -> None:
        _content(raw)[0]["attachment"]["url"] = "https://cdn.example.com/x"

    link = _delivered(unsigned)
    assert isinstance(link, DataLink)
    assert link.expires_at == datetime(2026, 6, 1, 15, 15, 9, 700000, tzinfo=UTC)


def test_a_link_does_not_show_itself() -> None:
    """I7: it is a bearer link to the whole record."""
    link = _read("completed")
    assert "amazonaws" not in f"{link} {link!r} {[link]}"


def _url(date: str = "20260601T150500Z", seconds: str = "180") -> str:
    return (
        f"https://b.s3.amazonaws.com/x?X-Amz-Date={date}&X-Amz-Expires={seconds}&X-Amz-Signature=0"
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (_url(), SIGNED_UNTIL),
        (_url(seconds="14400"), datetime(2026, 6, 1, 19, 5, tzinfo=UTC)),
        (_url(date="20240228T235930Z", seconds="60"), datetime(2024, 2, 29, 0, 0, 30, tzinfo=UTC)),
        (_url(seconds="0"), datetime(2026, 6, 1, 15, 5, tzinfo=UTC)),
    ],
)
def test_a_link_dies_when_its_signature_says(url: str, expected: datetime) -> None:
    assert link_expiry(url, SENT, NOW) == expected


UNSIGNED = [
    "https://cdn.example.com/x",
    "https://b.s3.amazonaws.com/x?X-Amz-Date=20260601T150500Z",
    "https://b.s3.amazonaws.com/x?X-Amz-Expires=180",
    _url(date="yesterday"),
    _url(date="20261301T000000Z"),
    _url(seconds="soon"),
    _url(seconds="1e3"),
    _url(seconds="9" * 30),
    _url(seconds="999999999999"),
    _url(seconds="9" * 5000),
    "https://[broken/x?X-Amz-Date=20260601T150500Z&X-Amz-Expires=180",
    "",
]


@pytest.mark.parametrize("url", UNSIGNED, ids=range(len(UNSIGNED)))
def test_without_a_readable_signature_a_link_lives_three_minutes_from_its_webhook(url: str) -> None:
    assert link_expiry(url, SENT, NOW) == datetime(2026, 6, 1, 15, 15, 9, 700000, tzinfo=UTC)
    assert link_expiry(url, None, NOW) == datetime(2026, 6, 1, 15, 15, 12, tzinfo=UTC)


def test_a_webhook_from_the_future_does_not_lengthen_a_links_life() -> None:
    late = link_expiry("https://cdn.example.com/x", NOW + timedelta(hours=1), NOW)
    assert late == datetime(2026, 6, 1, 15, 15, 12, tzinfo=UTC)


@given(date=st.text(max_size=20), seconds=st.text(max_size=20))
def test_no_text_in_a_link_makes_reading_fail(date: str, seconds: str) -> None:
    assert link_expiry(_url(date, seconds), SENT, NOW).tzinfo is UTC


@pytest.mark.parametrize(
    ("first", "last", "is_refused"),
    [
        (None, None, False),
        (date(2026, 2, 1), None, False),
        (None, date(2026, 2, 1), False),
        (date(2026, 2, 1), date(2026, 2, 1), False),
        (date(2026, 2, 2), date(2026, 2, 1), True),
    ],
)
def test_a_range_of_dates_that_holds_no_day_is_refused_by_the_name_of_its_field(
    first: date | None, last: date | None, *, is_refused: bool
) -> None:
    refused = refuse_range(first, last)
    assert (refused is not None) is is_refused
    if refused is not None:
        (event,) = told([rejected(head(SubjectId("u-7781")), refused)])
        assert (event["reason"], event["field"]) == (Reason.INVALID_FIELD, "dateFrom")
