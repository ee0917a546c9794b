"""What a run leaves to read: what came of each fault, the verdicts, and a picture of it all."""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tests.chaos.attribution import AT_THE_END, BEFORE, SETTLING, Share
from tests.chaos.code import FOLDER
from tests.chaos.deployment import SETTINGS
from tests.chaos.figures import NOT_WELL, Row, rows, shares, summary
from tests.chaos.picture import draw
from tests.chaos.run import Result
from tests.chaos.world import Happening

BEGIN, END = "<!-- chaos:begin -->", "<!-- chaos:end -->"
"""What lies between is what the README shows."""

_COLUMNS: Final = ("cases begun", "lost", "wrong", "duplicates")
_TOGETHER: Final = (
    "Several kinds of acts went on beside each other, in waves of a minute and a half; a storm of re-deliveries followed",
    "each, with nothing else broken. Recovery is the time from the end of an act until a LinkPatient sent after it had come back and a webhook",
    "sent after it was answered 200, whatever else was broken meanwhile. After a vendor that was away",
    "its circuit is open for up to a minute, and the LinkPatient waits.",
)
_SHOWN: Final = 20


def write(result: Result, command: str) -> None:
    """Write ``report.md``, ``report.png`` and ``report.json``."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    told = [BEGIN, *_head(result, command), *_kinds(rows(result, short=True), result), END]
    parts = [f"# Chaos, seed {result.plan.seed}", "", *told, "", *_explained(result)]
    parts += [
        *_kinds(rows(result), result),
        "",
        *([] if result.plan.together else _acts(result)),
        *_verdicts(result),
        *_found(result),
    ]
    (FOLDER / "report.md").write_text("\n".join(parts) + "\n", encoding="utf-8")
    figures = {"is_committed": result.code.is_committed, **summary(result)}
    (FOLDER / "report.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    draw(result, FOLDER / "report.png")


def _head(result: Result, command: str) -> list[str]:
    """When, what, on what, and the figures that matter most."""
    said = summary(result)
    changed = "" if result.code.is_committed else ", with changes that are in none"
    on = f"{os.cpu_count()} cores, load {said['load']} over the last five minutes"
    done = f"{said['faults']} faults, {said['kills']} kills, {said['crash_points']} named points"
    found = f"{said['lost']} lost, {said['wrong']} wrong, {said['duplicate_effects']} twice"
    return [
        f"Run of {result.at:%d %B %Y, %H:%M} UTC: `{command}`, commit `{said['commit']}`{changed}; {on}.",
        f"{done} reached; {said['flows']} people, {said['record_requests']} of them by one `RequestRecords`.",
        f"{said['checked']:,} cases checked: {found}. {_unfinished(said)}",
        f"Longest answer to a webhook: {said['longest_answer_s']:.2f} s. {_planted(said)}",
        "",
    ]


def _unfinished(said: Mapping[str, Any]) -> str:
    names = {"not_recovered": "faults not got over", "stalled": "people stalled"}
    names |= {"died": "processes died", "left": "left when the time was up"}
    return "; ".join(f"{text}: {said[name]}" for name, text in names.items()).capitalize() + "."


def _planted(said: Mapping[str, Any]) -> str:
    if said["planted_bugs"] is None:
        return "No bug was planted in this code."
    return (
        f"Bugs planted in this code: {said['planted_bugs']}, caught: {said['planted_bugs_caught']}."
    )


def _explained(result: Result) -> list[str]:
    session = SETTINGS["KAFKA_SESSION_TIMEOUT_MS"]
    return [
        *(_TOGETHER if result.plan.together else _one_by_one(result)),
        f"Kafka's session timeout is {session} ms; the three brokers are on this one machine.",
        "",
        "A case (a command sent, a webhook tried for the first time) belongs to the act during which it began,",
        "and so does what was found of it; an act reaches to the beginning of the next one.",
        f'What has no such moment, as a secret in the database, stands "{AT_THE_END}".',
        "",
        "![the run](report.png)",
        "",
    ]


def _one_by_one(result: Result) -> list[str]:
    canary = result.world.canary
    return [
        "Recovery is the time from the end of a fault to the first LinkPatient that came back as",
        f"PatientRegistered in {canary.good_seconds:.1f} s, with a webhook answered 200 in the same time. That is",
        f"2 s or, on a busy machine, twice the {canary.usual or 0.0:.2f} s that it took here with nothing broken.",
    ]


def _table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> list[str]:
    names = list(head)
    return [_line(names), _line(["---"] * len(names)), *map(_line, lines)]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _kinds(kinds: list[Row], result: Result) -> list[str]:
    """A row for each kind of act, for what began around them, and for all."""
    found = shares(result)
    around = [(name, found.around[name]) for name in (BEFORE, SETTLING, AT_THE_END)]
    lines = [row.cells() for row in kinds]
    lines += [_of(name, share) for name, share in around]
    whole = found.whole()
    lines.append([f"**{cell}**" if cell else "" for cell in _of("all", whole, len(found.acts))])
    return _table(("fault", "times", "recovery s, median", "max", *_COLUMNS), lines)


def _of(name: str, share: Share, times: int | None = None) -> list[str]:
    return [name, "" if times is None else str(times), "", "", *share.cells()]


def _acts(result: Result) -> list[str]:
    """Every act in its order."""
    found = shares(result)
    lines = [
        _act(number, one, share, result.began)
        for number, (one, share) in enumerate(
            zip(result.world.happenings, found.acts, strict=True), start=1
        )
    ]
    head = ("act", "at s", "fault", "hit", "lasted s", "recovery s", *_COLUMNS)
    return ["Each act:", "", *_table(head, lines), ""]


def _act(number: int, one: Happening, share: Share, zero: float) -> list[str]:
    recovery = NOT_WELL if one.recovery is None else f"{one.recovery:.1f}"
    lasted = f"{one.ended - one.began:.1f}"
    at = f"{one.began - zero:.0f}"
    return [str(number), at, one.name, one.note, lasted, recovery, *share.cells()]


def _verdicts(result: Result) -> list[str]:
    judged = result.judgement.verdicts
    lines = [(v.invariant, str(v.checked), str(len(v.broken))) for v in judged]
    shown = [_finding(v.invariant, one, result) for v in judged for one in v.broken[:_SHOWN]]
    return [*_table(("invariant", "cases checked", "broken"), lines), "", *shown, ""]


def _finding(invariant: str, finding: Any, result: Result) -> str:
    began = "no moment" if finding.began is None else f"{finding.began - result.began:.0f} s"
    return f"- {invariant}, {finding.kind}, began at {began}: {finding.text}"


def _found(result: Result) -> list[str]:
    """How the people ended, and whatever else was not as it should be."""
    world = result.world
    ended = [f"- {count} times {name}" for name, count in world.traffic.ended.most_common()]
    never = [one for one in world.happenings if one.recovery is None]
    return [
        "How the people's ways ended:",
        "",
        *ended,
        "",
        *_answered(result),
        "",
        *(f"- not well in time: {one.name} {one.note}" for one in never),
        *(f"- stalled: {text}" for text in world.traffic.stalled),
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
