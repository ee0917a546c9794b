"""What each role of a deployment holds, sampled over hours, and whether it grows.

The slope of resident memory is that of a straight line by least squares. File descriptors and connections
come and go with the load, so the median of the last tenth is compared with that of the first.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression, median
from typing import Any, Final, NamedTuple

from tests.overload.bench import memory_mib

HOUR: Final = 3_600.0
_WARM_UP_MINUTES: Final = 60.0
"""A heap settles for so long: it grows by the gaps between what is in use, ever more slowly."""

_TENTH: Final = 10


class Sample(NamedTuple):
    """One look at one role, so many seconds after the load began."""

    at: float
    role: str
    rss_mib: float
    fds: int
    threads: int
    connections: int


def sample(at: float, role: str, pid: int, connections: int) -> Sample:
    """What the process has now, as proc(5) counts it; who counts its connections is Postgres.

    Raises:
        OSError: there is no such process any more.
        ValueError: it has ended, and nobody has asked for its exit code yet.
    """
    process = Path(f"/proc/{pid}")
    fds, threads = (len(list((process / of).iterdir())) for of in ("fd", "task"))
    return Sample(at, role, round(memory_mib(pid, "VmRSS"), 3), fds, threads, connections)


def warm_up_seconds(seconds: float) -> float:
    """Before this everything is connected and filled for the first time, and the heap finds its size."""
    return min(_WARM_UP_MINUTES * 60, seconds / 2)


def warm(samples: Sequence[Sample], role: str) -> list[Sample]:
    """Those of one role, without the warm-up."""
    longest = max((one.at for one in samples), default=0.0)
    return [one for one in samples if one.role == role and one.at >= warm_up_seconds(longest)]


def slope_mib_per_h(samples: Sequence[Sample]) -> float | None:
    """Of resident memory; None where there are no two moments to compare."""
    if len({one.at for one in samples}) <= 1:
        return None
    hours = [one.at / HOUR for one in samples]
    return round(linear_regression(hours, [one.rss_mib for one in samples]).slope, 3)


def grown(numbers: Sequence[float]) -> float:
    """The median of the last tenth less that of the first; 0 of nothing."""
    if not numbers:
        return 0.0
    many = max(len(numbers) // _TENTH, 1)
    return median(numbers[-many:]) - median(numbers[:many])


def growth(samples: Sequence[Sample], roles: Sequence[str]) -> dict[str, Any]:
    """The figures: of each role, and the worst over all of them."""
    of = {role: warm(samples, role) for role in roles}
    slopes = {role: slope_mib_per_h(those) for role, those in of.items()}
    told = [slope for slope in slopes.values() if slope is not None]
    return {
        **{f"slope_{role}_mib_per_h": slope for role, slope in slopes.items()},
        "slope_mib_per_h": max(told) if len(told) == len(roles) else None,
        "fds_grown": max(grown([one.fds for one in those]) for those in of.values()),
        "threads_grown": max(grown([one.threads for one in those]) for those in of.values()),
        "connections_grown": max(
            grown([one.connections for one in those]) for those in of.values()
        ),
        **{f"rss_{role}_mib": those[-1].rss_mib if those else None for role, those in of.items()},
    }


class Table:
    """A file with a line a sample, written as they come: hours are not lost with the run."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self._write("w", [Sample._fields])

    def add(self, samples: Sequence[Sample]) -> None:
        """At the end."""
        self._write("a", [[round(one.at, 1), *one[1:]] for one in samples])

    def _write(self, mode: str, rows: Sequence[Sequence[object]]) -> None:
        with self._file.open(mode, encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows(rows)
