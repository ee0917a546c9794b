"""Lanes: several kinds of things go wrong at the same time, each kind at a pace of its own.

For a soak. One act after another, each waited out, says how the service gets over *one* fault; an hour of
lanes has ten times as many, and they meet: a broker starts while Postgres dies and a process is killed in
the middle of its work. Every lane has a random generator of its own, so that its acts do not depend on how
long the others' took.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from tests.chaos.deployment import REPLICAS
from tests.chaos.more_faults import FAULTS
from tests.chaos.points import POINTS
from tests.chaos.schedule import KILL, Act, act_of, round_and_round


class Lane(NamedTuple):
    """What a lane does, in rounds that each have an order of their own, and the seconds between two acts."""

    name: str
    round: tuple[str, ...]
    least: float
    most: float

    def acts(self, seed: int) -> Iterator[Act]:
        """Its acts, without end."""
        rng = random.Random(f"{self.name} of {seed}")
        for number, name in enumerate(round_and_round(rng, self.round), start=1):
            yield act_of(rng, number, name, pause=rng.uniform(self.least, self.most))


_POSTGRES: Final = (
    *("postgres-restarted",) * 10,
    "postgres-frozen",
    "postgres-connections-killed",
)
_BROKERS: Final = (
    *("broker-frozen",) * 7,
    *("broker-restarted",) * 2,
    *("one-broker-of-three-lost", "cluster-frozen", "cluster-restarted"),
)
STORMS: Final = Lane("storms", ("redelivery-storm",), 1.0, 2.0)
"""One after each wave."""
_OTHERS: Final = tuple(
    fault.name for fault in FAULTS if fault.name not in {*_POSTGRES, *_BROKERS, *STORMS.round}
)
_SERVERS: Final = (
    Lane("postgres", _POSTGRES, 5.0, 8.0),
    Lane("brokers", _BROKERS, 0.3, 1.5),
)
LANES: Final = (
    Lane("kills", (KILL,), 1.5, 4.0),
    Lane("points", tuple(point.name for point in POINTS), 0.5, 2.0),
    *_SERVERS,
    Lane("others", _OTHERS, 1.0, 5.0),
)
_SERVERS_ALONE: Final = (
    Lane("postgres", ("postgres-restarted",), 5.0, 8.0),
    Lane("brokers", _BROKERS, 7.0, 9.0),
)
"""Restarts alone of Postgres, and time to be consumed from again before the next broker is touched. At the pace
of ``LANES``, a second after the last one, the next outage and that of a Postgres that stands still are measured
with it: 13.2 s (p99 of 153).
"""
_POINTS_ALONE: Final = tuple(
    Lane(
        f"points of {one.name}",
        tuple(point.name for point in POINTS if point.role == one.role),
        0.0,
        0.5,
    )
    for one in REPLICAS
)
"""As many as there are replicas; whichever of a role is set up to end at no point is the next."""
SETS: Final[Mapping[str, tuple[Lane, ...]]] = {
    "all": LANES,
    "servers": _SERVERS_ALONE,
    "points": _POINTS_ALONE,
}
"""What may go on together, by name. No two lanes of a set lay hands on the same server; processes belong to
all lanes, and the kills leave out one that is set up to end at a named point."""
