"""What a run in lanes comes to: how often, how soon again, and over how many messages."""

from collections.abc import Iterable
from typing import Any, Final

from tests.bench.figures import percentile
from tests.chaos.kills import NOT_REACHED
from tests.chaos.pulse import Beat, Firsts
from tests.chaos.run import Result
from tests.chaos.world import Happening

_BROKERS: Final = ("broker-", "cluster-", "one-broker-")
_RESTARTED: Final = "postgres-restarted"
_LATEST: Final = 5


def totals(result: Result) -> dict[str, Any]:
    """For the last line of the run."""
    world, happened = result.world, result.world.happenings
    restarted = [one for one in happened if one.name == _RESTARTED]
    brokers = [one for one in happened if one.name.startswith(_BROKERS)]
    commits = [one.first_commit for one in restarted if one.first_commit is not None]
    again = _again(result.consumed, brokers)
    told, sent = len(world.desk.told_at), len(world.desk.sent)
    return {
        "killed_at_any_moment": sum(one.name.startswith("kill-") for one in happened),
        "ended_at_named_points": sum(map(_is_reached, happened)),
        "postgres_restarts": len(restarted),
        "first_commit_p99_s": _rounded(commits),
        "broker_faults": len(brokers),
        "consumed_after_broker_p99_s": _rounded([seconds for seconds, _ in again]),
        "consumed_latest_after": [f"{name}: {seconds:.2f} s" for seconds, name in again[:_LATEST]],
        "messages": sent + told + result.deliveries.number + len(world.storm_answers),
    }


def _again(consumed: Iterable[Beat], brokers: Iterable[Happening]) -> list[tuple[float, str]]:
    """The seconds after each act until a webhook that was sent after it was consumed, the most first."""
    firsts = Firsts(consumed)
    found = [(firsts.since(one.ended), one) for one in brokers]
    return sorted(
        ((back - one.ended, one.name) for back, one in found if back is not None), reverse=True
    )


def _is_reached(happening: Happening) -> bool:
    return happening.name.startswith("crash-") and not happening.note.endswith(NOT_REACHED)


def _rounded(seconds: list[float]) -> float | None:
    return round(percentile(seconds, 99), 2) if seconds else None
