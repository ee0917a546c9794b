"""Waiting for a condition, with a deadline and a sentence that says what did not happen."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.005  # parts become ready within milliseconds; a coarser poll would dominate


class DeadlineError(TimeoutError):
    """The condition did not come true in time."""


def wait_until(condition: Callable[[], bool], *, within: float, what: str) -> None:
    """Return as soon as ``condition()`` is true; raise ``DeadlineError`` after ``within`` seconds.

    The condition is asked at least once. An exception of the condition ends the wait.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() >= deadline:
            raise DeadlineError(f"not within {within:g} s: {what}")
        time.sleep(POLL_SECONDS)
