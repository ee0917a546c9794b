"""The named crash points: before and after each await that has an effect which outlives the process."""

from itertools import chain
from typing import Final, NamedTuple


class Point(NamedTuple):
    """One moment of one role. ``needs_spool``: it comes only while Kafka is away from the ingress."""

    role: str
    effect: str
    when: str
    most_hits: int = 3
    needs_spool: bool = False

    @property
    def name(self) -> str:
        """As ``CRASH_POINT`` names it."""
        return f"{self.effect}.{self.when}"


def _both(role: str, effect: str, *, hits: int = 3, spool: bool = False) -> tuple[Point, Point]:
    return (
        Point(role, effect, "before", hits, spool),
        Point(role, effect, "after", hits, spool),
    )


POINTS: Final[tuple[Point, ...]] = tuple(
    chain(
        _both("ingress", "webhook-publish", hits=20),
        _both("ingress", "callback-publish", hits=2),
        _both("ingress", "spool-insert", spool=True),
        _both("consumers", "inbox-insert"),
        _both("consumers", "outbox-insert"),
        _both("consumers", "handler-commit"),
        _both("consumers", "offset-commit"),
        _both("consumers", "relay-publish", hits=5),
        _both("consumers", "relay-delete"),
        _both("consumers", "relay-commit"),
        _both("consumers", "seal-append"),
        _both("consumers", "seal-commit"),
        _both("consumers", "spool-publish", hits=1, spool=True),
        _both("consumers", "spool-delete", hits=1, spool=True),
        _both("consumers", "spool-commit", hits=1, spool=True),
        _both("gateway", "intent-mark"),
        _both("gateway", "intent-commit"),
        _both("gateway", "vendor-call"),
        _both("gateway", "outcome-record"),
        _both("gateway", "outcome-commit"),
    )
)
BY_NAME: Final = {point.name: point for point in POINTS}
