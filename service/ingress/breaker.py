"""When to stop asking Kafka: after three misses in a row, with a try once a second.

Misses of one moment are one miss. When this process stood still for a second, all that was under way
misses at once, and that says nothing of Kafka.
"""

from collections.abc import Callable
from typing import Final

MISSES: Final = 3
PROBE_SECONDS: Final = 1.0
MOMENT_SECONDS: Final = 0.1


class Breaker:
    """Closed while Kafka answers; open after three misses. The clock is monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._misses = 0
        self._next_probe = 0.0
        self._moment_ends = 0.0

    @property
    def is_open(self) -> bool:
        """Whether Kafka is left alone."""
        return self._misses >= MISSES

    def allows(self) -> bool:
        """Whether this record may try Kafka; while open, one a second may."""
        if not self.is_open:
            return True
        if self._clock() < self._next_probe:
            return False
        self._next_probe = self._clock() + PROBE_SECONDS
        return True

    def succeeded(self) -> None:
        """Kafka answered."""
        self._misses = 0

    def failed(self) -> None:
        """Kafka did not answer in time."""
        now = self._clock()
        self._next_probe = now + PROBE_SECONDS
        if now >= self._moment_ends:
            self._misses += 1
            self._moment_ends = now + MOMENT_SECONDS
