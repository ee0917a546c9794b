"""The numbers to reach, in one table, and the commands that measure them."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

CAMPAIGNS: Final[Mapping[str, str]] = {
    "chaos": "tests.chaos --together all --plant all --minutes 120 --storm 20000 --settle 300",
    "points": "tests.chaos --together points --minutes 60 --settle 300",
}
"""By name, what is run with ``python -m``."""


class Goal(NamedTuple):
    """A number that a campaign says under ``figure`` is to be at least, or at most, this."""

    what: str
    campaign: str
    figure: str
    bound: Literal["at least", "at most"]
    number: float

    def is_reached(self, figures: Mapping[str, Any]) -> bool:
        """Whether it was; what was not measured was not reached."""
        measured = figures.get(self.figure)
        if measured is None:
            return False
        if self.bound == "at least":
            return bool(measured >= self.number)
        return bool(measured <= self.number)


def none(campaign: str, figure: str, what: str) -> Goal:
    """There must be none of it."""
    return Goal(what, campaign, figure, "at most", 0)


GOALS: Final = (
    Goal("kills at any moment", "chaos", "killed_at_any_moment", "at least", 1_000),
    Goal("restarts of Postgres", "chaos", "postgres_restarts", "at least", 500),
    Goal(
        "first commit after Postgres is ready, p99 in s",
        "chaos",
        "first_commit_p99_s",
        "at most",
        3,
    ),
    Goal("brokers killed or frozen", "chaos", "broker_faults", "at least", 500),
    Goal(
        "a command is answered again after a broker is ready, p99 in s",
        "chaos",
        "command_back_after_broker_p99_s",
        "at most",
        10,
    ),
    Goal("messages meanwhile", "chaos", "messages", "at least", 1_000_000),
    none("chaos", "lost", "lost"),
    none("chaos", "wrong", "wrong"),
    none("chaos", "duplicate_effects", "done twice"),
    none("chaos", "died", "processes that ended by themselves"),
    Goal("bugs planted in the product and caught", "chaos", "planted_bugs_caught", "at least", 10),
    Goal("kills at named points", "points", "ended_at_named_points", "at least", 2_000),
    Goal("named points", "points", "crash_points", "at least", 40),
    none("points", "lost", "lost"),
    none("points", "wrong", "wrong"),
    none("points", "duplicate_effects", "done twice"),
)
