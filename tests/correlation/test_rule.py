"""The strict rule: only one query, of the same purpose, in its call's time window (I2)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import RequestId, VendorRequestId
from schemas.sources import PurposeOfUse, Source
from service.ias.correlation import Candidate, Seen, our_query_id, started_at, suppose

from .conftest import request_started_at

CALLED = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
OURS = RequestId(UUID(int=1))


def _candidate(
    query_id: RequestId = OURS,
    purpose: PurposeOfUse = PurposeOfUse.IAS,
    sources: tuple[Source, ...] = (Source.HIE, Source.LAB),
    called_at: datetime = CALLED,
) -> Candidate:
    return Candidate(
        query_id=query_id, purpose=purpose, sources=frozenset(sources), called_at=called_at
    )


def _seen(seconds: float = 1, source: Source = Source.HIE, purpose: str | None = "ias") -> Seen:
    return Seen(source=source, purpose=purpose, started_at=CALLED + timedelta(seconds=seconds))


def test_the_one_query_that_fits_is_supposed() -> None:
    assert suppose(_seen(), [_candidate()]) == OURS


@pytest.mark.parametrize(
    ("seconds", "fits"),
    [(-60.001, False), (-60, True), (0, True), (240, True), (240.001, False)],
)
def test_the_start_lies_within_the_call_give_or_take_a_minute(
    seconds: float, *, fits: bool
) -> None:
    assert suppose(_seen(seconds), [_candidate()]) == (OURS if fits else None)


def test_of_a_query_that_was_sent_twice_either_call_may_have_been_accepted() -> None:
    """I3: five minutes lie between the two, which no single call's time covers."""
    twice = replace(_candidate(), first_called_at=CALLED - timedelta(minutes=5))
    assert suppose(_seen(-299), [twice]) == OURS
    assert suppose(_seen(1), [twice]) == OURS
    assert suppose(_seen(-400), [twice]) is None


@pytest.mark.parametrize(
    ("said", "ours", "fits"),
    [
        ("ias", PurposeOfUse.IAS, True),
        (None, PurposeOfUse.IAS, False),
        ("treatment", PurposeOfUse.IAS, False),
        ("ias", PurposeOfUse.TREATMENT, False),
        (None, PurposeOfUse.TREATMENT, True),
        ("treatment", PurposeOfUse.TREATMENT, True),
    ],
)
def test_the_purpose_is_the_same(said: str | None, ours: PurposeOfUse, *, fits: bool) -> None:
    """I9: a provider's query is not a person's."""
    found = suppose(_seen(purpose=said), [_candidate(purpose=ours)])
    assert found == (OURS if fits else None)


def test_a_source_that_was_not_asked_for_is_somebody_elses() -> None:
    assert suppose(_seen(source=Source.PHARMACY), [_candidate()]) is None


@given(others=st.integers(1, 4))
def test_of_several_that_fit_none_is_chosen(others: int) -> None:
    fitting = [_candidate(RequestId(uuid4())) for _ in range(others)]
    assert suppose(_seen(), [_candidate(), *fitting]) is None
    elsewhen = [one.called_at + timedelta(hours=1) for one in fitting]
    later = [_candidate(RequestId(uuid4()), called_at=moment) for moment in elsewhen]
    assert suppose(_seen(), [_candidate(), *later]) == OURS


def test_the_time_in_a_request_id_is_that_of_the_standards_example() -> None:
    """RFC 9562, A.6: 2022-02-22 14:22:22.00 GMT-05:00."""
    example = VendorRequestId("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    assert started_at(example) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


@given(
    st.integers(631152000, 7258118400).map(
        lambda seconds: datetime.fromtimestamp(seconds + 0.25, UTC)
    )
)
def test_the_time_in_a_request_id_is_read_to_the_millisecond(moment: datetime) -> None:
    read = started_at(VendorRequestId(request_started_at(moment)))
    assert read is not None
    assert abs(read - moment) <= timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "text", [str(UUID(int=4 << 76)), "request-1", "", "ffffffff-ffff-7fff-bfff-ffffffffffff"]
)
def test_an_id_that_says_no_time_is_not_an_error(text: str) -> None:
    assert started_at(VendorRequestId(text)) is None


@pytest.mark.parametrize(
    "data",
    [None, "iasQueryId", [], {}, {"iasQueryId": 7}, {"iasQueryId": "x"}, {"flow": "ias"}],
)
def test_whatever_metadata_is_it_names_a_query_only_by_our_key(data: object) -> None:
    assert our_query_id(data) is None
    assert our_query_id({"iasQueryId": str(OURS), "other": data}) == OURS
