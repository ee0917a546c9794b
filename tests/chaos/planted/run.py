"""Runs scenarios on the product as it is, then bugs, and says which were caught."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from tests.chaos.checker import Verdict
from tests.chaos.checker.facts import Fields
from tests.chaos.code import Code
from tests.chaos.planted import faults, guarding, people, plain, recording, sending, writing
from tests.chaos.planted.patching import Bug, PatchError
from tests.chaos.planted.stage import Scenario, Servers, deployed, judge

SCENARIOS: Final[dict[str, Scenario]] = {
    one.name: one for one in (*plain.SCENARIOS, *people.SCENARIOS, *faults.SCENARIOS)
}
BUGS: Final[tuple[Bug, ...]] = (*writing.BUGS, *sending.BUGS, *guarding.BUGS)
FEW: Final = (
    "duplicate commandId acted on twice",
    "session looked up by patient only",
    "signature not checked",
)
"""What a run of chaos plants before it begins: a bug of each family, a minute or two in all."""


class Row(NamedTuple):
    """One run: what was run, whether it came out as it must, what was found, and how long it took."""

    name: str
    is_right: bool
    found: str
    seconds: float


def broken(verdicts: Sequence[Verdict]) -> dict[str, list[str]]:
    """The invariants that were broken, with the sentences."""
    return {one.invariant: [found.text for found in one.broken] for one in verdicts if one.broken}


def unpatched(scenarios: Iterable[Scenario], servers: Servers) -> Iterator[Row]:
    """The product as it is: nothing may be broken, and the row says how much was looked at.

    Scenarios that need no settings of their own share a deployment, and each is judged together with
    those before it: what one leaves behind must not break the next.
    """
    alike: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        alike.setdefault(json.dumps(scenario.settings), []).append(scenario)
    for group in alike.values():
        with deployed(servers, group[0].settings) as deployment:
            sent: list[Fields] = []
            for scenario in group:
                began = time.monotonic()
                verdicts = judge(scenario, deployment, sent)
                found = broken(verdicts)
                checked = " ".join(f"{one.invariant}:{one.checked}" for one in verdicts)
                text = f"checked {checked}" if not found else json.dumps(found)
                yield Row(scenario.name, not found, text, time.monotonic() - began)


def planted(bug: Bug, servers: Servers) -> Row:
    """The product with the bug: the invariant must be broken, whatever else is."""
    began, scenario = time.monotonic(), SCENARIOS[bug.scenario]
    try:
        with deployed(servers, scenario.settings, bug.edits) as deployment:
            found = broken(judge(scenario, deployment, []))
    except PatchError as error:
        seconds = time.monotonic() - began
        return Row(bug.name, is_right=False, found=str(error), seconds=seconds)
    others = " ".join(one for one in found if one != bug.breaks)
    text = f"{bug.breaks}: {found[bug.breaks][0]}" if bug.breaks in found else json.dumps(found)
    text += f" (also {others})" if others and bug.breaks in found else ""
    return Row(bug.name, bug.breaks in found, text, time.monotonic() - began)


def show(row: Row, right: str, wrong: str) -> Row:
    """One line of the table, as soon as it is known."""
    print(f"{right if row.is_right else wrong:8} {row.seconds:5.1f} s  {row.name:48} {row.found}")
    sys.stdout.flush()
    return row


def plant(servers: Servers, bugs: Sequence[Bug]) -> bool:
    """Each scenario on the product as it is, then each bug; writes down what was caught; whether all is right."""
    code, names = Code.now(), dict.fromkeys(bug.scenario for bug in bugs)
    print("The product as it is")
    scenarios = [SCENARIOS[name] for name in names]
    clean = [show(row, "clean", "BROKEN") for row in unpatched(scenarios, servers)]
    print("The product with a bug")
    caught = [show(planted(bug, servers), "caught", "MISSED") for bug in bugs]
    recording.write({row.name: row.is_right for row in caught}, code)
    number = sum(row.is_right for row in caught)
    print(json.dumps({"planted": len(bugs), "caught": number}), flush=True)
    return number == len(bugs) and all(row.is_right for row in clean)


def named(words: Sequence[str]) -> list[Bug]:
    """The bugs whose names hold one of the words; all of them without a word."""
    return [one for one in BUGS if not words or any(word in one.name for word in words)]
