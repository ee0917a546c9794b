"""I5: the events of one subject are numbered 1 to n without a gap, each number once, and come in order.

The last one counts too: the database says how many there are. Repeats are allowed: the same id under
the same number. The receipt of an erasure may follow a gap,
because what the subject had not been told yet was dropped.
"""

from collections import defaultdict

from tests.chaos.checker.facts import Finding, Kind, Verdict
from tests.chaos.checker.story import Event, Story


def check(story: Story) -> Verdict:
    """Every subject that was told anything; operators are told without numbers."""
    whose: dict[str, list[Event]] = defaultdict(list)
    for event in story.events:
        if event["sequence"]:
            whose[event.subject].append(event)
    broken = []
    for subject, events in whose.items():
        found = (*_numbers(events), *_order(events))
        broken += [one._replace(text=f"{subject}: {one.text}") for one in found]
    for subject, count in story.evidence.numbered.items():
        told = whose.get(subject, [])
        last = max((event["sequence"] for event in told), default=0)
        if last != count:
            text = f"{subject}: {count} events were written, and the last one told is {last}"
            at = max((event.time for event in told), default=None)
            broken.append(Finding(text, Kind.LOST if last < count else Kind.WRONG, at))
    return Verdict("I5", sum(map(len, whose.values())), broken)


def _numbers(events: list[Event]) -> list[Finding]:
    """Each number is one event's, and each event has one number."""
    ids: dict[int, set[str]] = defaultdict(set)
    numbers: dict[str, set[int]] = defaultdict(set)
    for event in events:
        ids[event["sequence"]].add(event.id)
        numbers[event.id].add(event["sequence"])
    shared = [
        Finding(f"{len(same)} events are number {n}", Kind.WRONG, _time_of(events, n))
        for n, same in ids.items()
        if len(same) > 1
    ]
    changed = [
        Finding(f"one event has the numbers {n}", Kind.WRONG, _time_of(events, max(n)))
        for n in numbers.values()
        if len(n) > 1
    ]
    return shared + changed


def _order(events: list[Event]) -> list[Finding]:
    """They stand on one partition, in their order, and none is missing."""
    problems = []
    if len({event.partition for event in events}) > 1:
        at = min(one.time for one in events if one.partition != events[0].partition)
        problems.append(Finding("told on several partitions", Kind.WRONG, at))
    order = list(dict.fromkeys(event["sequence"] for event in events))
    if order != sorted(order):
        late = next(n for n, right in zip(order, sorted(order), strict=True) if n != right)
        text = f"first told in the order {order}"
        problems.append(Finding(text, Kind.WRONG, _time_of(events, late)))
    if missing := _missing(events):
        before = [one.time for one in events if one["sequence"] < missing[0]]
        at = max(before, default=min(one.time for one in events))
        problems.append(Finding(f"never told: {missing}", Kind.LOST, at))
    return problems


def _time_of(events: list[Event], number: int) -> float:
    """When the last event of this number was told: the second one, where there are two."""
    return max(event.time for event in events if event["sequence"] == number)


def _missing(events: list[Event]) -> list[int]:
    there = {event["sequence"] for event in events}
    missing = set(range(1, max(there) + 1)) - there
    for receipt in (event["sequence"] for event in events if event.name == "SubjectErased"):
        before = max((number for number in there if number < receipt), default=0)
        missing -= set(range(before, receipt))
    return sorted(missing)
