"""What the campaigns measured, beside the numbers to reach: a table for people and one for the README."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.chaos.code import ROOT
from tests.chaos.publish import MEASURED, README, NotPublishedError, table_of, with_table
from tests.soak.goals import CAMPAIGNS, GOALS, Goal
from tests.soak.running import FOLDER, Result

__all__ = ["NotPublishedError", "publish", "summary", "write"]

BEGIN: Final = "<!-- soak:begin -->"
END: Final = "<!-- soak:end -->"
_NO: Final = "**no**"


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """The last line: goals reached, and campaigns that found something broken."""
    by_name = {one.campaign: one for one in results}
    return {
        "soak": True,
        "campaigns": len(results),
        "failed": sum(one.exit_code != 0 for one in results),
        "goals": len(GOALS),
        "measured": sum(_measured(goal, by_name) is not None for goal in GOALS),
        "reached": sum(_is_reached(goal, by_name) for goal in GOALS),
    }


def write(results: Sequence[Result], folder: Path = FOLDER) -> Path:
    """Write ``report.md``; where it is."""
    by_name = {one.campaign: one for one in results}
    said = summary(results)
    told = [
        BEGIN,
        f"{said['reached']} of {said['goals']} numbers reached, {said['measured']} measured.",
        f"Campaigns that found something broken: {said['failed']} of {said['campaigns']}; {os.cpu_count()} cores.",
        "",
        *_table(
            ("campaign", "of", "minutes", "numbers reached", "not reached"),
            [_short(name, by_name.get(name)) for name in CAMPAIGNS],
        ),
        END,
    ]
    numbers = _table(
        ("campaign", "number", "to reach", "measured", "reached"),
        [_goal(one, by_name) for one in GOALS],
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
    found = [Result.read(file.stem, folder) for file in sorted(folder.glob("*.json"))]
    results = [one for one in found if one]
    changed = [one.campaign for one in results if not one.is_committed]
    if changed:
        raise NotPublishedError(f"{', '.join(changed)} ran on code that is in no commit")
    text = report.read_text(encoding="utf-8")
    readme = root / README
    with_it = with_table(readme.read_text(encoding="utf-8"), table_of(text, BEGIN, END), BEGIN, END)
    target = root / MEASURED / "soak.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(report, target)
    _publish_reports(results, folder, target.parent)
    readme.write_text(with_it, encoding="utf-8")
    return target


def _publish_reports(results: Sequence[Result], folder: Path, target: Path) -> None:
    """The reports that campaigns have of their own, each with its picture."""
    for one in results:
        own = folder / f"{one.campaign}.md"
        if own.exists():
            text = own.read_text(encoding="utf-8")
            text = text.replace("(report.png)", f"(soak-{one.campaign}.png)")
            (target / f"soak-{one.campaign}.md").write_text(text, encoding="utf-8")
            shutil.copyfile(own.with_suffix(".png"), target / f"soak-{one.campaign}.png")


def _measured(goal: Goal, by_name: dict[str, Result]) -> Any:
    ran = by_name.get(goal.campaign)
    return None if ran is None else ran.figures.get(goal.figure)


def _is_reached(goal: Goal, by_name: dict[str, Result]) -> bool:
    ran = by_name.get(goal.campaign)
    return ran is not None and goal.is_reached(ran.figures)


def _short(name: str, ran: Result | None) -> list[str]:
    """A campaign in one line: how many of its numbers were reached, and which were not."""
    mine = [goal for goal in GOALS if goal.campaign == name]
    if ran is None:
        return [name, "not run", "", f"0 of {len(mine)}", ""]
    missed = [goal for goal in mine if not goal.is_reached(ran.figures)]
    told = [f"{goal.what}: {_number(ran.figures.get(goal.figure))}, {goal.text}" for goal in missed]
    reached = f"{len(mine) - len(missed)} of {len(mine)}"
    return [name, ran.at[:10], f"{ran.minutes:g}", reached, "; ".join(told)]


def _goal(goal: Goal, by_name: dict[str, Result]) -> list[str]:
    reached = "yes" if _is_reached(goal, by_name) else _NO
    return [goal.campaign, goal.what, goal.text, _number(_measured(goal, by_name)), reached]


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
