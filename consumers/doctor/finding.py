"""One check: what was looked at, what was found, and what to do."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


class Finding(msgspec.Struct, frozen=True):
    """What one check found. ``check`` and ``about`` together name it, and stay the same over releases."""

    check: str
    verdict: Verdict
    found: str
    todo: str = ""
    about: str = ""


class Report(msgspec.Struct, frozen=True):
    """Everything that was found; ``verdict`` is the worst of it."""

    verdict: Verdict
    findings: list[Finding]


_ORDER: Final = tuple(Verdict)


def report(findings: Iterable[Finding]) -> Report:
    """The findings in their order, under the worst verdict among them."""
    listed = list(findings)
    worst = max((_ORDER.index(one.verdict) for one in listed), default=0)
    return Report(_ORDER[worst], listed)


def lines(told: Report) -> Iterable[str]:
    """The report for a person: a line for each finding, and what to do below it."""
    for (check, verdict, found, todo), abouts in _grouped(told.findings).items():
        about = "".join(f" {one}" for one in abouts if one)
        yield f"{verdict.value:<8}{check}{about}: {found}"
        if todo:
            yield f"{'':<8}→ {todo}"
    counts = {verdict: sum(one.verdict is verdict for one in told.findings) for verdict in Verdict}
    yield ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items())


def _grouped(findings: Iterable[Finding]) -> dict[tuple[str, Verdict, str, str], list[str]]:
    """What the same is found about, such as seven topics, is one line."""
    grouped: dict[tuple[str, Verdict, str, str], list[str]] = {}
    for one in findings:
        grouped.setdefault((one.check, one.verdict, one.found, one.todo), []).append(one.about)
    return grouped


def ok(check: str, found: str, about: str = "") -> Finding:
    """All is as it has to be."""
    return Finding(check, Verdict.OK, found, about=about)


def warning(check: str, found: str, todo: str, about: str = "") -> Finding:
    """It works, and something promised does not hold or could not be looked at."""
    return Finding(check, Verdict.WARNING, found, todo, about)


def wrong(check: str, found: str, todo: str, about: str = "") -> Finding:
    """It does not work, or will not when it matters."""
    return Finding(check, Verdict.WRONG, found, todo, about)
