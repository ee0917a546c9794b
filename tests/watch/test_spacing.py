"""When the vendor is asked: seldom, more seldom the longer it takes, and once before the end (I8)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gateway.watch.spacing import look_again, next_look
from service.settings.watching import Watching

DEFAULT = Watching()
minutes = st.integers(1, 30 * 24 * 60).map(lambda count: timedelta(minutes=count))


def looks(lasts: timedelta, how: Watching = DEFAULT) -> list[float]:
    """The minutes after the start at which a query that never ends is looked at."""
    at, found = how.first, []
    while True:
        found.append(at / timedelta(minutes=1))
        wait = next_look(at, lasts - at, how)
        if wait is None:
            return found
        at += wait


def test_a_query_of_three_days_is_looked_at_eighteen_times() -> None:
    by_the_hour = [1000 + 360 * count for count in range(10)]
    assert looks(timedelta(days=3)) == [10, 20, 40, 80, 160, 320, 640, *by_the_hour, 4318]


def test_a_query_of_an_hour_is_looked_at_once_more_before_its_end() -> None:
    assert looks(timedelta(hours=1)) == [10, 20, 40, 58]


@pytest.mark.parametrize("left", [-3600, -1, 0, 1, 119, 120])
def test_there_is_no_look_that_the_end_would_overtake(left: int) -> None:
    rest = timedelta(seconds=left)
    assert next_look(timedelta(hours=1), rest, DEFAULT) is None
    assert look_again(rest, DEFAULT) is None


def test_a_look_that_showed_nothing_is_repeated_after_the_shortest_pause() -> None:
    assert look_again(timedelta(days=1), DEFAULT) == timedelta(minutes=10)
    assert look_again(None, DEFAULT) == timedelta(minutes=10)
    assert look_again(timedelta(minutes=5), DEFAULT) == timedelta(minutes=3)


def test_what_has_no_end_of_its_own_is_looked_at_as_seldom_as_allowed() -> None:
    assert next_look(timedelta(days=9), None, DEFAULT) == timedelta(hours=6)


@given(first=minutes, longest=minutes, lasts=minutes)
def test_pauses_lie_within_what_is_set_and_looks_before_the_end(
    first: timedelta, longest: timedelta, lasts: timedelta
) -> None:
    how = Watching(first=first, longest=longest)
    at = first
    for _ in range(200):
        wait = next_look(at, lasts - at, how)
        if wait is None:
            assert lasts - at <= timedelta(minutes=2)
            return
        at += wait
        assert timedelta(0) < wait <= max(first, longest)
        assert at <= lasts - timedelta(minutes=2)
        if at < lasts - timedelta(minutes=2):
            assert wait >= min(first, max(first, longest))


@given(watched=minutes)
def test_waits_never_shrink_and_at_most_double_the_time_until_news_is_found(
    watched: timedelta,
) -> None:
    wait = next_look(watched, None, DEFAULT)
    later = next_look(watched + timedelta(minutes=1), None, DEFAULT)
    assert wait is not None
    assert later is not None
    assert timedelta(minutes=10) <= wait <= later <= timedelta(hours=6)
    assert wait <= max(watched, timedelta(minutes=10))
