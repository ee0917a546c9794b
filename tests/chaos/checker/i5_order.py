"""I5: the events of one subject are numbered 1 to n without a gap, each number once, and come in order.

The last one counts too: the database says how many there are. Repeats are allowed: the same id under
the same number. The receipt of an erasure may follow a gap,
because what the subject had not been told yet was dropped.
"""

from collections import defaultdict

from tests.chaos.checker.facts import Verdict
from tests.chaos.checker.story import Event, Story


def check(story: Story) -> Verdict:
    """Every subject that was told anything; operators are told without numbers."""
    whose: dict[str, list[Event]] = defaultdict(list)
    for event in story.events:
        if event["sequence"]:
            whose[event.subject].append(event)
    broken = []
    for subject, events in whose.items():
        broken += [f"{subject}: {problem}" for problem in _problems(events)]
    for subject, count in story.evidence.numbered.items():
        last = max((event["sequence"] for event in whose.get(subject, ())), default=0)
        if last != count:
            broken.append(
                f"{subject}: {count} events were written, and the last one told is {last}"
            )
    return Verdict("I5", sum(map(len, whose.values())), broken)


def _problems(events: list[Event]) -> list[str]:
    problems = []
    if len({event.partition for event in events}) > 1:
        problems.append("told on several partitions")
    ids: dict[int, set[str]] = defaultdict(set)
    numbers: dict[str, set[int]] = defaultdict(set)
    for event in events:
        ids[event["sequence"]].add(event.id)
        numbers[event.id].add(event["sequence"])
    problems += [f"{len(same)} events are number {n}" for n, same in ids.items() if len(same) > 1]
    problems += [f"one event has the numbers {n}" for n in numbers.values() if len(n) > 1]
    order = list(dict.fromkeys(event["sequence"] for event in events))
    if order != sorted(order):
        problems.append(f"first told in the order {order}")
    if missing := _missing(events):
        problems.append(f"never told: {missing}")
    return problems


def _missing(events: list[Event]) -> list[int]:
    there = {event["sequence"] for event in events}
    missing = set(range(1, max(there) + 1)) - there
    for receipt in (event["sequence"] for event in events if event.name == "SubjectErased"):
        before = max((number for number in there if number < receipt), default=0)
        missing -= set(range(before, receipt))
    return sorted(missing)
