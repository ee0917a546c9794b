"""The figures of a run, all of them from what was measured."""

import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tests.chaos.attribution import Share, Shares, attribute
from tests.chaos.checker import Kind
from tests.chaos.planted import recording
from tests.chaos.run import Result
from tests.chaos.totals import totals
from tests.chaos.world import Happening

NOT_WELL: Final = "not well"
_KILLS: Final = {
    "kill-": "SIGKILL of a process at any moment",
    "crash-": "SIGKILL of a process at a named point",
}


class Row(NamedTuple):
    """One kind of fault: how often, the seconds from its end to normal, and what began meanwhile."""

    name: str
    times: int
    median: float | None
    longest: float | None
    never: int
    share: Share

    def cells(self) -> list[str]:
        """For a table."""
        median = NOT_WELL if self.median is None else f"{self.median:.1f}"
        longest = NOT_WELL if self.never or self.longest is None else f"{self.longest:.1f}"
        return [self.name, str(self.times), median, longest, *self.share.cells()]


@lru_cache(maxsize=1)
def shares(result: Result) -> Shares:
    """What was looked at and found, by the act during which it began."""
    judged, happenings = result.judgement, result.world.happenings
    return attribute(happenings, result.quiet_from, judged.begun, judged.verdicts)


def rows(result: Result, *, short: bool = False) -> list[Row]:
    """A row for each kind, by name; ``short``: all kills in one row, all named points in another."""
    happenings = result.world.happenings
    if short:
        happenings = [replace(one, name=_family(one.name)) for one in happenings]
    found = shares(result)
    names = sorted({one.name for one in happenings})
    return [_row(name, happenings, found.of_name(happenings, name)) for name in names]


def _family(name: str) -> str:
    return next((long for start, long in _KILLS.items() if name.startswith(start)), name)


def _row(name: str, happenings: Iterable[Happening], share: Share) -> Row:
    all_of_it = [one for one in happenings if one.name == name]
    seconds = [one.recovery for one in all_of_it if one.recovery is not None]
    median = statistics.median(seconds) if seconds else None
    never = len(all_of_it) - len(seconds)
    return Row(name, len(all_of_it), median, max(seconds, default=None), never, share)


def summary(result: Result) -> dict[str, Any]:
    """The last line of a run."""
    world, found = result.world, shares(result).whole().found
    faults = [one for one in world.happenings if not one.name.startswith(tuple(_KILLS))]
    planted = recording.read(result.code.digest)
    return {
        "chaos": True,
        "seed": result.plan.seed,
        "commit": result.code.commit,
        "minutes": round((result.ended - result.began) / 60, 1),
        "kills": world.kills,
        "crash_points": len(world.reached),
        "faults": len(faults),
        "flows": world.traffic.started,
        "flows_complete": world.traffic.ended["complete"],
        "record_requests": _checked(result, "records"),
        "checked": sum(verdict.checked for verdict in result.judgement.verdicts),
        "lost": found[Kind.LOST],
        "wrong": found[Kind.WRONG],
        "duplicate_effects": found[Kind.DUPLICATE],
        "not_recovered": sum(one.recovery is None for one in world.happenings),
        "stalled": len(world.traffic.stalled),
        "died": len(world.died),
        "left": sum(result.left.values()),
        "longest_answer_s": round(max(world.probe.longest(), result.deliveries.longest), 2),
        "usual_canary_s": round(world.canary.usual or 0.0, 2),
        "load": round(os.getloadavg()[1], 1),
        "planted_bugs": planted and planted.planted,
        "planted_bugs_caught": planted and planted.caught,
        **(totals(result) if result.plan.together else {}),
        "by_fault": {row.name: _figures(row) for row in rows(result)},
    }


def _checked(result: Result, invariant: str) -> int:
    verdicts: Sequence[Any] = result.judgement.verdicts
    return sum(one.checked for one in verdicts if one.invariant == invariant)


def _figures(row: Row) -> dict[str, Any]:
    found = {str(kind): row.share.found[kind] for kind in Kind}
    seconds = {"median_s": _rounded(row.median), "max_s": _rounded(row.longest)}
    return {"times": row.times, **seconds, "not_well": row.never, **found}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def is_whole(figures: dict[str, Any]) -> bool:
    """Whether nothing broke, and no planted bug was missed."""
    wrong = ("lost", "wrong", "duplicate_effects", "not_recovered", "stalled", "died", "left")
    is_blind = figures["planted_bugs"] != figures["planted_bugs_caught"]
    return not is_blind and not any(figures[name] for name in wrong)
