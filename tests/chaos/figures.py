"""The figures of a run, all of them from what was measured."""

import os
import statistics
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from tests.chaos.judging import sums
from tests.chaos.run import Result
from tests.chaos.world import Happening

NOT_WELL: Final = "not well"


class Row(NamedTuple):
    """One kind of fault: how often, and the seconds from its end to normal."""

    name: str
    times: int
    median: float | None
    longest: float | None
    never: int


def rows(happenings: Iterable[Happening]) -> list[Row]:
    """A row for each kind, by name."""
    by_name: dict[str, list[Happening]] = {}
    for one in happenings:
        by_name.setdefault(one.name, []).append(one)
    return [_row(name, by_name[name]) for name in sorted(by_name)]


def _row(name: str, all_of_it: list[Happening]) -> Row:
    seconds = [one.recovery for one in all_of_it if one.recovery is not None]
    never = len(all_of_it) - len(seconds)
    if not seconds:
        return Row(name, len(all_of_it), None, None, never)
    return Row(name, len(all_of_it), statistics.median(seconds), max(seconds), never)


def summary(result: Result) -> dict[str, Any]:
    """The last line of a run."""
    world, broken = result.world, sums(result.verdicts)
    faults = [one for one in world.happenings if not one.name.startswith(("kill-", "crash-"))]
    return {
        "chaos": True,
        "seed": result.plan.seed,
        "minutes": round((result.ended - result.began) / 60, 1),
        "kills": world.kills,
        "crash_points": len(world.reached),
        "faults": len(faults),
        "flows": world.traffic.started,
        "flows_complete": world.traffic.ended["complete"],
        "checked": sum(verdict.checked for verdict in result.verdicts),
        "lost": broken["lost"],
        "wrong": broken["wrong"],
        "duplicate_effects": broken["duplicate_effects"],
        "not_recovered": sum(one.recovery is None for one in world.happenings),
        "stalled": len(world.traffic.stalled),
        "died": len(world.died),
        "left": sum(result.left.values()),
        "longest_answer_s": round(max(world.probe.longest(), result.deliveries.longest), 2),
        "usual_canary_s": round(world.canary.usual or 0.0, 2),
        "load": round(os.getloadavg()[1], 1),
        "planted_bugs_caught": None,
    }


def is_whole(figures: dict[str, Any]) -> bool:
    """Whether nothing broke."""
    wrong = ("lost", "wrong", "duplicate_effects", "not_recovered", "stalled", "died", "left")
    return not any(figures[name] for name in wrong)
