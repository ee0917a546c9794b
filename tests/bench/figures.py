"""What was measured, and what is made of it."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

OK = 200


@dataclass(frozen=True, kw_only=True)
class Round:
    """One run of the closed loop against one contender."""

    answers: int
    not_200: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rps(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def is_clean(self) -> bool:
        """Whether every request was answered with 200."""
        return self.answers > 0 and not self.not_200 and not self.failed


class Shot(NamedTuple):
    """One request of the open loop: seconds from when it was due, and the status (0: none)."""

    seconds: float
    status: int


@dataclass(frozen=True, kw_only=True)
class Shots:
    """One run of the open loop."""

    shots: Sequence[Shot]
    late: Sequence[float]

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """As printed by the generator."""
        return cls(shots=[Shot(*shot) for shot in raw["shots"]], late=raw["late"])

    @classmethod
    def all_of(cls, runs: Sequence["Shots"]) -> Self:
        """Several runs as one."""
        return cls(
            shots=[shot for run in runs for shot in run.shots],
            late=[late for run in runs for late in run.late],
        )

    def as_json(self) -> dict[str, Any]:
        """For printing."""
        return {"shots": self.shots, "late": self.late}

    @property
    def statuses(self) -> Counter[int]:
        """How often each status was answered; 0 is no answer."""
        return Counter(shot.status for shot in self.shots)

    @property
    def is_clean(self) -> bool:
        """Whether every request was answered with 200."""
        return set(self.statuses) == {OK}

    @property
    def slowest_ms(self) -> float:
        """The longest wait."""
        return max(shot.seconds for shot in self.shots) * 1e3

    def percentile_ms(self, percent: float) -> float:
        """A percentile of the latencies, in milliseconds."""
        return percentile([shot.seconds for shot in self.shots], percent) * 1e3

    def late_ms(self, percent: float) -> float:
        """How far the generator was behind its timetable, as a percentile in milliseconds."""
        return percentile(self.late, percent) * 1e3


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of all do not exceed."""
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[max(rank, 1) - 1]


def ratio(ours: Sequence[Round], theirs: Sequence[Round]) -> float:
    """Throughput of ours to theirs: each round beside its neighbour, and the median of those."""
    return statistics.median(one.rps / other.rps for one, other in zip(ours, theirs, strict=True))


def median_rps(rounds: Sequence[Round]) -> float:
    """The median of the rounds' throughputs."""
    return statistics.median(one.rps for one in rounds)
