"""I8: in no 60 seconds are there more calls than the limits allow, and the vendor's limiter says no to none.

Any 60 seconds, not the vendor's own windows: where those begin is not for us to know.
"""

from collections import defaultdict
from typing import Final

from tests.chaos.checker.facts import Fields, Finding, Kind, Verdict
from tests.chaos.checker.story import Story, answer_of, body_of, seconds

WINDOW: Final = 60.0
_LIMITED: Final = {
    "create-patient": "write-patient",
    "start-network-query": "start-network-query",
    "start-consolidated-query": "start-consolidated-query",
}


def check(story: Story) -> Verdict:
    """Every call of an operation that has a limit, by operation and by source."""
    at: dict[str, list[float]] = defaultdict(list)
    broken = []
    for call in story.evidence.calls:
        for name in _counted_as(call):
            at[name].append(seconds(call["at"]))
        if _is_refused(call):
            text = f"call {call['number']} ({call['operation']}) was answered 429"
            broken.append(Finding(text, Kind.WRONG, seconds(call["at"])))
    for name, limit in story.evidence.limits.items():
        most, began = _most(sorted(at[name]))
        if most > limit:
            text = f"{most} calls of {name} in one minute, of {limit}"
            broken.append(Finding(text, Kind.WRONG, began))
    counted = sum(len(times) for name, times in at.items() if name in story.evidence.limits)
    return Verdict("I8", counted, broken)


def _counted_as(call: Fields) -> list[str]:
    name = _LIMITED.get(call["operation"])
    if name is None:
        return []
    sources = body_of(call).get("sources") if name == "start-network-query" else None
    enabled = [source for source, wish in (sources or {}).items() if _is_enabled(wish)]
    return [name, *(f"network-query-{source}" for source in enabled)]


def _is_enabled(wish: object) -> bool:
    return bool(wish.get("enabled")) if isinstance(wish, dict) else bool(wish)


def _is_refused(call: Fields) -> bool:
    """The vendor's own limiter, as a whole or for a source; not a fault that somebody asked for."""
    if call["fault"] is not None:
        return False
    errors = answer_of(call).get("errors") or []
    texts = [str(error.get("message")) for error in errors if error.get("httpStatus") == 429]
    return call["status"] == 429 or any("Rate limit" in text for text in texts)


def _most(times: list[float]) -> tuple[int, float | None]:
    """The largest number of calls in any window, and when that window began."""
    most, first, began = 0, 0, None
    for last, time in enumerate(times):
        while times[first] <= time - WINDOW:
            first += 1
        if last - first + 1 > most:
            most, began = last - first + 1, times[first]
    return most, began
