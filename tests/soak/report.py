"""What the campaigns measured, beside the numbers to reach: a table for people and one for the README."""

import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.chaos.code import ROOT
from tests.chaos.publish import MEASURED, README, NotPublishedError, table_of, with_table
from tests.soak.goals import CAMPAIGNS, GOALS, Goal
from tests.soak.running import FOLDER, Result, all_kept

__all__ = ["NotPublishedError", "publish", "summary", "write"]

BEGIN: Final = "<!-- soak:begin -->"
END: Final = "<!-- soak:end -->"
_NO: Final = "**no**"


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """The last line: goals reached, and campaigns that found something broken."""
    said = _by_campaign(results)
    return {
        "soak": True,
        "campaigns": len({one.campaign for one in results}),
        "failed": len({one.campaign for one in results if one.exit_code != 0}),
        "goals": len(GOALS),
        "measured": sum(goal.measured(said[goal.campaign]) is not None for goal in GOALS),
        "reached": sum(goal.is_reached(said[goal.campaign]) for goal in GOALS),
    }


def _by_campaign(results: Sequence[Result]) -> Mapping[str, list[Mapping[str, Any]]]:
    """The figures of every run of a campaign."""
    said: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in results:
        said[one.campaign].append(one.figures)
    return said


def write(results: Sequence[Result], folder: Path = FOLDER) -> Path:
    """Write ``report.md``; where it is."""
    said, figures = summary(results), _by_campaign(results)
    told = [
        BEGIN,
        f"{said['reached']} of {said['goals']} numbers reached, {said['measured']} measured.",
        f"Campaigns that found something broken: {said['failed']} of {said['campaigns']}; {os.cpu_count()} cores.",
        "",
        *_table(
            ("campaign", "of", "minutes", "numbers reached", "not reached"),
            [_short(name, [one for one in results if one.campaign == name]) for name in CAMPAIGNS],
        ),
        END,
    ]
    numbers = _table(
        ("campaign", "number", "to reach", "measured", "reached"),
        [_goal(one, figures[one.campaign]) for one in GOALS],
    )
    ran = _table(
        ("campaign", "command", "commit", "began", "minutes", "broken"),
        [_campaign(one) for one in results],
    )
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "report.md"
    parts = ["# Soak", "", *told, "", "Every number:", "", *numbers, "", "What was run:", "", *ran]
    report.write_text("\n".join(parts) + "\n", encoding="utf-8")
    return report


def publish(folder: Path = FOLDER, root: Path = ROOT) -> Path:
    """Write ``soak.md`` and the README's table; where the report is now.

    Raises:
        NotPublishedError: there is no report, a campaign ran on code of no commit, or the README has no
            place for the table.
    """
    report = folder / "report.md"
    if not report.exists():
        raise NotPublishedError(f"there is no {report}: run `make soak`")
    changed = [one.campaign for one in all_kept(folder) if not one.is_committed]
    if changed:
        raise NotPublishedError(f"{', '.join(changed)} ran on code that is in no commit")
    text = report.read_text(encoding="utf-8")
    readme = root / README
    with_it = with_table(readme.read_text(encoding="utf-8"), table_of(text, BEGIN, END), BEGIN, END)
    target = root / MEASURED / "soak.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(report, target)
    _publish_reports(folder, target.parent)
    readme.write_text(with_it, encoding="utf-8")
    return target


def _publish_reports(folder: Path, target: Path) -> None:
    """The reports that runs have of their own, each with its picture."""
    for picture in sorted(folder.glob("*.png")):
        text = picture.with_suffix(".md").read_text(encoding="utf-8")
        name = f"soak-{picture.stem}"
        (target / f"{name}.md").write_text(text.replace("(report.png)", f"({name}.png)"), "utf-8")
        shutil.copyfile(picture, target / f"{name}.png")


def _short(name: str, runs: Sequence[Result]) -> list[str]:
    """A campaign in one line: how many of its numbers were reached, and which were not."""
    mine = [goal for goal in GOALS if goal.campaign == name]
    if not runs:
        return [name, "not run", "", f"0 of {len(mine)}", ""]
    figures = [one.figures for one in runs]
    missed = [goal for goal in mine if not goal.is_reached(figures)]
    told = [f"{goal.what}: {_number(goal.measured(figures))}, {goal.text}" for goal in missed]
    minutes = f"{sum(one.minutes for one in runs):g}"
    reached = f"{len(mine) - len(missed)} of {len(mine)}"
    return [name, runs[-1].at[:10], minutes, reached, "; ".join(told)]


def _goal(goal: Goal, figures: Sequence[Mapping[str, Any]]) -> list[str]:
    reached = "yes" if goal.is_reached(figures) else _NO
    return [goal.campaign, goal.what, goal.text, _number(goal.measured(figures)), reached]


def _number(measured: Any) -> str:
    return "not measured" if measured is None else f"{measured:,}"


def _campaign(ran: Result) -> list[str]:
    changed = "" if ran.is_committed else " with changes"
    broken = "no" if ran.exit_code == 0 else "yes"
    return [
        ran.campaign,
        f"`{ran.command}`",
        f"`{ran.commit}`{changed}",
        ran.at,
        f"{ran.minutes:g}",
        broken,
    ]


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    return [_line(head), _line(["---"] * len(head)), *map(_line, lines)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
