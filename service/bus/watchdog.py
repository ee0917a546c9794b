"""When a Kafka consumer that looks alive must be replaced: the rule, without a clock or a socket.

aiokafka's consumer can stay up and never fetch again after a broker's restart or a rebalance (its
issues 1154, 1037, 847), and nothing of its own says so. The sign is records that wait and a consumer
that does not move. Replacing it helps; where it does not, the process must end, and say so by that.
"""

from enum import StrEnum
from typing import Final, NamedTuple

SECONDS: Final = 30.0
"""Without progress for so long, while records wait."""
UNASKED: Final = 4
"""So many times as long without being able to ask what waits: the brokers that it knows may all be gone."""


class Seen(NamedTuple):
    """What can be seen of a consumer from outside.

    ``records`` and ``polls`` only grow. ``busy``: records are being handled, or wait for Postgres.
    ``lag``: records that wait for us; ``None`` when the broker does not say, which is no fault of ours.
    """

    records: int
    polls: int
    busy: bool
    lag: int | None


class Verdict(StrEnum):
    """What to do with the consumer."""

    FINE = "fine"
    REPLACE = "replace"
    GIVE_UP = "give_up"


class Watchdog:
    """Looks again and again; ``now`` is seconds of one clock that never goes back."""

    def __init__(self, limit: float = SECONDS) -> None:
        self.limit = limit
        self._before: Seen | None = None
        self._since = 0.0
        self._asked = 0.0
        self._replaced = False

    def look(self, now: float, seen: Seen) -> Verdict:
        """Judge what is seen now by what was seen before."""
        before, self._before = self._before, seen
        idle = before is not None and seen.polls > before.polls and seen.lag == 0
        moved = before is not None and seen.records > before.records
        if moved:  # that nothing seemed to wait, as during a rebalance, proves nothing
            self._replaced = False
        if before is None or moved or idle or seen.busy or seen.lag is None:
            self._since = now
        if before is None or moved or seen.busy or seen.lag is not None:
            self._asked = now
        if (
            now - self._asked >= self.limit * UNASKED
        ):  # a new one starts from the names in the settings
            self._asked = now
            return Verdict.REPLACE
        if now - self._since < self.limit:
            return Verdict.FINE
        self._since = now
        if self._replaced:
            return Verdict.GIVE_UP
        self._replaced = True
        return Verdict.REPLACE
