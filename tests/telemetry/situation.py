"""What a situation is, and those that every gauge and every counter has alike."""

from typing import NamedTuple

from tests.telemetry.quiet_day import (
    LATE,
    MINUTES,
    STARTED,
    Series,
    burst,
    of_new,
    then,
)


class Situation(NamedTuple):
    """What is other than on a quiet day, when to look, and which alerts then fire."""

    what: str
    series: Series
    fires: tuple[str, ...]
    minute: int = 60


def gauge(
    name: str, height: float, alert: str, *, calm: float = 0, minutes: int = 60
) -> list[Situation]:
    """A gauge that stays high fires; one that is high for a moment does not."""
    return [
        Situation(
            f"{name} stays at {height}", {name: then(str(calm), 10, str(height))}, (alert,), minutes
        ),
        Situation(
            f"{name} was at {height} for a moment", {name: burst(calm, 10, height, 1)}, (), 10
        ),
    ]


def counter(
    name: str, alert: str, *, before: int = 0, more: int = 1, at: int = 55, late: int = LATE
) -> list[Situation]:
    """A counter that grew fires; once it has stood long it does not."""
    grew = f"{before}x49 {before + more}x{MINUTES}"
    return [
        Situation(f"{name} grew by {more}", {name: grew}, (alert,), at),
        Situation(
            f"{name} grew, and then stood for long",
            {name: f"{before}x9 {before + more}x{MINUTES}"},
            (),
            late,
        ),
    ]


def of_new_process(name: str, alert: str) -> list[Situation]:
    """What a new process counted before its first scrape fires, and no more once it is old."""
    started = {of_new(STARTED): f"_x40 2400x{MINUTES}"}
    counted = started | {of_new(name): f"_x40 1x{MINUTES}"}
    none_yet = started | {of_new(name): f"_x40 0x{MINUTES}"}
    return [
        Situation(f"a new process counted {name} before its first scrape", counted, (alert,), 44),
        Situation(f"a process that counted {name} at its start is old", counted, (), LATE),
        Situation(f"a new process has not counted {name}", none_yet, (), 44),
    ]
