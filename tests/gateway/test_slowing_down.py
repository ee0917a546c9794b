"""How long to wait when the vendor says so, and how many calls a minute may go out (I8)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gateway.outcome import SlowDown, VendorResponse, classify, retry_after
from service.gateway.pacing import Pace
from service.settings.pacing import Pacing
from service.store.calls import Operation

NOW = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
SHORTEST, LONGEST = timedelta(seconds=4), timedelta(minutes=5)
LIMITS = {
    Operation.CREATE_PATIENT: 15,
    Operation.START_NETWORK_QUERY: 20,
    Operation.START_CONSOLIDATED_QUERY: 120,
    "network_query_hie": 20,
    "network_query_pharmacy": 20,
    "network_query_lab": 20,
}
"""The vendor's published limits a minute."""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, 4),
        ("", 4),
        ("   ", 4),
        ("0", 4),
        ("3", 4),
        ("4", 4),
        ("5", 5),
        (" 12 ", 12),
        ("0000000000030", 30),
        ("299", 299),
        ("301", 300),
        ("86400", 300),
        ("1" + "0" * 20, 300),
        ("9" * 5000, 300),
        ("-5", 4),
        ("1.5", 4),
        ("1e3", 4),
        ("+60", 4),
        ("nan", 4),
        ("²", 4),
        ("٦٠", 4),
        ("soon", 4),
        ("Mon, 01 Jun 2026 15:01:00 GMT", 60),
        ("Mon, 01 Jun 2026 17:01:00 +0200", 60),
        ("Mon, 01 Jun 2026 15:01:00 -0000", 60),
        ("Monday, 01-Jun-26 15:01:00 GMT", 60),
        ("Mon, 01 Jun 2026 14:00:00 GMT", 4),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 4),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 300),
        ("Mon, 99 Jun 2026 15:01:00 GMT", 4),
        ("Mon, 01 Jun 99999999999999999999 15:01:00 GMT", 4),
        ("01 Jan 2026 01:01:01 +99999999999999", 4),
    ],
)
def test_the_wait_is_read_in_either_form_and_kept_within_bounds(
    text: str | None, seconds: int
) -> None:
    assert retry_after(text, NOW) == timedelta(seconds=seconds)


@given(st.one_of(st.text(), st.text("0123456789 :+-GMT,Jun", max_size=40)))
def test_no_text_makes_the_wait_fail_or_leave_its_bounds(text: str) -> None:
    assert SHORTEST <= retry_after(text, NOW) <= LONGEST


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds are naive
def test_a_date_means_the_time_until_then(when: datetime) -> None:
    whole = when.replace(microsecond=0)
    text = f"{whole:%d} {whole:%b} {whole.year:04} {whole:%H:%M:%S} +0000"
    assert retry_after(text, NOW) == min(max(whole - NOW, SHORTEST), LONGEST)


@pytest.mark.parametrize("status", [423, 429])
def test_the_header_decides_how_long_a_call_waits(status: int) -> None:
    response = VendorResponse(status=status, headers={"retry-after": "17"})
    assert classify(response, NOW) == SlowDown(timedelta(seconds=17))


def slots(pool: str, share: int) -> int:
    return Pace(limits=Pacing(share=share)).pools()[pool]


@pytest.mark.parametrize("operation", list(LIMITS))
def test_the_whole_share_is_the_vendors_published_limit(operation: str) -> None:
    assert slots(operation, 100) == LIMITS[operation]


@given(operation=st.sampled_from(list(Operation)), share=st.integers(1, 100))
def test_no_share_is_more_than_its_part_but_for_the_one_call_that_is_left(
    operation: Operation, share: int
) -> None:
    part = slots(operation, 100) * share / 100
    assert 1 <= slots(operation, share) <= max(1, part)


@pytest.mark.parametrize(
    ("share", "expected"), [(1, 1), (5, 1), (9, 1), (10, 2), (50, 10), (99, 19)]
)
def test_a_share_of_network_queries_is_rounded_down(share: int, expected: int) -> None:
    assert slots(Operation.START_NETWORK_QUERY, share) == expected


def test_the_reserve_of_a_day_is_for_calls_that_a_person_waits_for() -> None:
    """I8: a fifth of the sandbox's 500."""
    pace = Pace(limits=Pacing(per_day=500, reserve=20))
    assert (pace.of_day(person_waits=True), pace.of_day(person_waits=False)) == (500, 400)


def test_a_share_is_a_share_of_the_day_too() -> None:
    """I8."""
    pace = Pace(limits=Pacing(per_day=10_000, share=50, reserve=10))
    assert (pace.of_day(person_waits=True), pace.of_day(person_waits=False)) == (5_000, 4_500)


def test_a_used_up_day_at_the_vendor_is_not_asked_about_every_few_seconds() -> None:
    """The gateway's two throttles answer the same status; one lasts for hours (its infrastructure code)."""
    day = VendorResponse(status=429, body=b'{"message":"Limit Exceeded"}')
    burst = VendorResponse(status=429, body=b'{"message":"Too Many Requests"}')
    assert classify(day, NOW) == SlowDown(LONGEST)
    assert classify(burst, NOW) == SlowDown(SHORTEST)
