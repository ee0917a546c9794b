"""What a run leaves to read: a table of faults, the verdicts, and a picture of it all."""

import importlib
from pathlib import Path
from typing import Any, Final

from tests.chaos.deployment import SETTINGS
from tests.chaos.figures import NOT_WELL, Row, rows, summary
from tests.chaos.judging import sums
from tests.chaos.run import Result

FOLDER: Final = Path(__file__).parent.parent.parent / ".local" / "chaos"
_SHOWN: Final = 20


def write(result: Result) -> None:
    """Write ``report.md`` and ``report.png``."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    parts = [*_head(result), *_faults(result), *_verdicts(result), *_found(result)]
    (FOLDER / "report.md").write_text("\n".join(parts) + "\n", encoding="utf-8")
    _picture(result, FOLDER / "report.png")


def _head(result: Result) -> list[str]:
    told = ", ".join(f"{name}: {value}" for name, value in summary(result).items())
    usual = result.world.canary.usual or 0.0
    session = SETTINGS["KAFKA_SESSION_TIMEOUT_MS"]
    return [
        f"# Chaos, seed {result.plan.seed}",
        "",
        f"Kafka session timeout {session} ms; three brokers on this one machine; {told}.",
        "",
        "Recovery is the time from the end of a fault to the first LinkPatient that came back as",
        f"PatientRegistered in {result.world.canary.good_seconds:.1f} s, with a webhook answered 200 in the",
        f"same time. That is 2 s or, on a busy machine, twice the {usual:.2f} s that it took here with",
        "nothing broken.",
        "",
        "![the run](report.png)",
        "",
    ]


def _faults(result: Result) -> list[str]:
    broken = sums(result.verdicts)
    head = "| fault | times | recovery s, median | max | lost | wrong | duplicates |"
    cells = [str(broken[name]) for name in ("lost", "wrong", "duplicate_effects")]
    each = ["0" if cell == "0" else "see below" for cell in cells]
    table = [_line(row, each) for row in rows(result.world.happenings)]
    times = len(result.world.happenings)
    total = f"| **all** | {times} | | | {' | '.join(cells)} |"
    return [head, "|---|---|---|---|---|---|---|", *table, total, ""]


def _line(row: Row, cells: list[str]) -> str:
    median = NOT_WELL if row.median is None else f"{row.median:.1f}"
    longest = NOT_WELL if row.never or row.longest is None else f"{row.longest:.1f}"
    return f"| {row.name} | {row.times} | {median} | {longest} | {' | '.join(cells)} |"


def _verdicts(result: Result) -> list[str]:
    lines = ["| invariant | cases checked | broken |", "|---|---|---|"]
    each = [(v.invariant, v.checked, len(v.broken)) for v in result.verdicts]
    lines += [f"| {name} | {checked} | {broken} |" for name, checked, broken in each]
    shown = [f"- {v.invariant}: {text}" for v in result.verdicts for text in v.broken[:_SHOWN]]
    return [*lines, "", *shown, ""]


def _found(result: Result) -> list[str]:
    """How the people ended, and whatever else was not as it should be."""
    world = result.world
    ended = [f"- {count} times {name}" for name, count in world.traffic.ended.most_common()]
    return [
        "How the people's ways ended:",
        "",
        *ended,
        "",
        *_answered(result),
        "",
        *(f"- not well in time: {one.name} {one.note}" for one in _never(result)),
        *(f"- stalled: {text}" for text in world.traffic.stalled),
        *(f"- could not start while a server was broken: {text}" for text in world.gave_up),
        *(f"- died: {text}" for text in world.died),
        *(f"- still on the way: {text}" for text in result.still),
        *(f"- left: {count} {name}" for name, count in result.left.items()),
    ]


def _answered(result: Result) -> list[str]:
    """How webhooks of every kind were answered."""
    world = result.world
    refused = [one for one in world.probe.answers if one.status != 200]
    down = [one for one in world.probe.excused if one.status != 200]
    storm = [one for one in world.storm_answers if one.status == 200]
    slowest = max((one.seconds for one in world.storm_answers), default=0.0)
    vendor = result.deliveries
    probes = f"{len(world.probe.answers)}, of which {len(refused)} were not answered 200"
    storms = f"{len(world.storm_answers)} re-deliveries, {len(storm)} answered 200"
    return [
        f"Probes: {probes}; {len(down)} more met no ingress, by our own hand.",
        f"All that the vendor sent to an ingress that was there: {vendor.number},",
        f"the longest {vendor.longest:.2f} s, {vendor.unanswered} not answered.",
        f"Storms: {storms}, the slowest in {slowest:.2f} s.",
    ]


def _never(result: Result) -> list[Any]:
    return [one for one in result.world.happenings if one.recovery is None]


def _picture(result: Result, path: Path) -> None:
    """Events told and people done a second, and how long webhooks took, with the faults as bands."""
    matplotlib = importlib.import_module("matplotlib")  # slow to import, and only needed here
    matplotlib.use("Agg")
    plots = importlib.import_module("matplotlib.pyplot")
    figure, (above, below) = plots.subplots(2, 1, figsize=(16, 8), sharex=True)
    world, zero = result.world, result.began
    told = [at - zero for at in world.desk.told_at]
    above.hist(told, bins=max(1, int(result.ended - zero)), color="#4878a8")
    above.set_ylabel("events and links told, a second")
    _answers(result, below)
    for one in world.happenings:
        for axes in (above, below):
            axes.axvspan(one.began - zero, one.ended - zero, color="#c0392b", alpha=0.25)
            well = one.ended + (one.recovery or 0.0)
            axes.axvspan(one.ended - zero, well - zero, color="#e59866", alpha=0.15)
        above.text(
            one.began - zero, above.get_ylim()[1], one.name, rotation=90, fontsize=5, va="top"
        )
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plots.close(figure)


def _answers(result: Result, axes: Any) -> None:
    """Each probe at its moment, as high as it took."""
    good = [one for one in result.world.probe.answers if one.status == 200]
    bad = [one for one in result.world.probe.answers if one.status != 200]
    for answers, colour, name in ((good, "#3a7d44", "200"), (bad, "#c0392b", "not 200")):
        at = [one.at - result.began for one in answers]
        axes.scatter(at, [one.seconds for one in answers], s=4, color=colour, label=name)
    axes.axhline(3.5, color="grey", linewidth=0.5)
    axes.set_ylabel("webhook answered after, s")
    axes.set_xlabel("seconds of the run; red: a fault, pale: until well again")
    axes.legend(loc="upper right")
