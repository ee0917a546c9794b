"""What is done when: every choice of a run, from one seed, before the run begins.

An act has a random generator of its own, so that what it chooses does not depend on how long the acts
before it took. The same seed gives the same acts in the same order; only how many fit is up to the time.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from tests.chaos.more_faults import FAULTS
from tests.chaos.points import POINTS

What = Literal["kill", "crash", "fault"]
_PATTERN: Final[tuple[What, ...]] = ("fault", "kill", "fault", "crash", "fault")
_LONGEST_PAUSE: Final = 2.0
_KILL_INSIDE: Final = 0.25
"""How often a process is killed in the middle of a fault."""
KILL: Final = "sigkill"
_KINDS: Final[dict[str, What]] = {
    **{fault.name: "fault" for fault in FAULTS},
    **{point.name: "crash" for point in POINTS},
    KILL: "kill",
}
WITH_KILL: Final = "+kill"
NAMES: Final = tuple(_KINDS)
"""Everything that can be done."""


class Act(NamedTuple):
    """One thing to do. ``hold``: how far between its least and most time a fault lasts, 0 to 1."""

    number: int
    what: What
    name: str
    pause: float
    hold: float
    kill_inside: bool
    seed: int

    def rng(self) -> random.Random:
        """For what the act chooses by itself."""
        return random.Random(self.seed)


def acts(seed: int) -> Iterator[Act]:
    """Acts without end: faults and crash points come round and round, each round in another order."""
    rng = random.Random(seed)
    names = {
        "fault": round_and_round(rng, [fault.name for fault in FAULTS]),
        "crash": round_and_round(rng, [point.name for point in POINTS]),
        "kill": itertools.repeat(KILL),
    }
    for number, what in enumerate(itertools.cycle(_PATTERN), start=1):
        yield Act(
            number,
            what,
            next(names[what]),
            pause=rng.uniform(0.2, _LONGEST_PAUSE),
            hold=rng.random(),
            kill_inside=what == "fault" and rng.random() < _KILL_INSIDE,
            seed=rng.getrandbits(32),
        )


def only(seed: int, names: Sequence[str]) -> Iterator[Act]:
    """Each of these once, in this order, and nothing else; ``name+kill``: with a kill in its middle.

    Raises:
        ValueError: there is nothing of such a name, or nothing that has a middle.
    """
    wanted = [(name.removesuffix(WITH_KILL), name.endswith(WITH_KILL)) for name in names]
    if unknown := [name for name, _ in wanted if name not in _KINDS]:
        raise ValueError(f"there is no {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if sudden := [name for name, is_kill in wanted if is_kill and _KINDS[name] != "fault"]:
        raise ValueError(f"{', '.join(sudden)} has no middle to kill a process in")
    return iter(_chosen(random.Random(seed), wanted))


def _chosen(rng: random.Random, wanted: Sequence[tuple[str, bool]]) -> list[Act]:
    return [
        act_of(rng, number, name, pause=1.0, kill_inside=kill_inside)
        for number, (name, kill_inside) in enumerate(wanted, start=1)
    ]


def act_of(
    rng: random.Random, number: int, name: str, *, pause: float, kill_inside: bool = False
) -> Act:
    """An act of this name; what else there is to choose comes from ``rng``."""
    return Act(
        number,
        _KINDS[name],
        name,
        pause=pause,
        hold=rng.random(),
        kill_inside=kill_inside,
        seed=rng.getrandbits(32),
    )


def round_and_round(rng: random.Random, names: Sequence[str]) -> Iterator[str]:
    """Every name once, then every name once again, in an order of its own each time."""
    while True:
        yield from rng.sample(names, len(names))
