"""How long a call waits that may be made again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gateway.operations.common import backoff


@pytest.mark.parametrize(
    ("attempts", "most"), [(1, 2), (2, 4), (3, 8), (4, 16), (5, 32), (6, 60), (7, 60), (10**6, 60)]
)
def test_the_longest_wait_doubles_up_to_a_minute(attempts: int, most: int) -> None:
    assert backoff(attempts, 1.0) == timedelta(seconds=most)


@given(st.integers(1, 50), st.floats(0, 1), st.floats(0, 1))
def test_any_shorter_wait_is_as_likely(attempts: int, one: float, other: float) -> None:
    """Full jitter: the wait is in proportion to chance, so what failed together is spread evenly."""
    longest = backoff(attempts, 1.0)
    for chance in (one, other):
        assert abs(backoff(attempts, chance) - chance * longest) <= timedelta(microseconds=1)
