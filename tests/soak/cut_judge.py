"""Whether a call's outcome agrees with what the server received."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from service.gateway.outcome import Accepted, NotSent, Outcome, Unknown
from tests.cutting.proxy import Way

from .cut_schedules import Kind, Schedule


class Attempt(NamedTuple):
    """A call, the number that tells it from all others, and what it was taken for."""

    schedule: Schedule
    number: int
    outcome: Outcome


@dataclass
class Tally:
    """What was seen, and every call that broke a promise."""

    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def judge(self, attempts: list[Attempt], arrived: Mapping[int, int]) -> None:
        """Count these calls; ``arrived`` says how often each came to the server as a whole."""
        for attempt in attempts:
            times = arrived.get(attempt.number, 0)
            self.counts.update(_facts(attempt))
            faults = list(_faults(attempt, times))
            self.counts.update(faults)
            if faults:
                told = (
                    f"{', '.join(faults)}: {attempt.schedule}: {attempt.outcome}, received {times}"
                )
                self.broken.append(told)


def _facts(attempt: Attempt) -> Iterator[str]:
    schedule = attempt.schedule
    yield "sound_calls" if schedule.is_sound else "schedules"
    if schedule.cut is not None and schedule.kind is not Kind.KEPT:  # which cuts no call of ours
        yield "cuts_of_request" if schedule.cut.way is Way.REQUEST else "cuts_of_answer"
    if isinstance(attempt.outcome, Unknown):
        yield "unknown"
    if isinstance(attempt.outcome, NotSent):
        yield "not_sent"


def _faults(attempt: Attempt, times: int) -> Iterator[str]:
    schedule, outcome = attempt.schedule, attempt.outcome
    if times > 1:
        yield "received_twice"
    if isinstance(outcome, NotSent) and times:
        yield "misclassified_unsent"
    if isinstance(outcome, Accepted) and not times:
        yield "accepted_unreceived"
    if schedule.is_sound and not isinstance(outcome, Accepted):
        yield "ambiguous_on_sound"
    elif type(outcome) not in schedule.allowed:
        yield "other_outcome"
