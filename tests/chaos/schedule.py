"""What is done when: every choice of a run, from one seed, before the run begins.

An act has a random generator of its own, so that what it chooses does not depend on how long the acts
before it took. The same seed gives the same acts in the same order; only how many fit is up to the time.
"""

import random
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from tests.chaos.more_faults import FAULTS
from tests.chaos.points import POINTS

What = Literal["kill", "crash", "fault"]
_LONGEST_PAUSE: Final = 2.0
_KILL_INSIDE: Final = 0.25
"""How often a process is killed in the middle of a fault."""


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
    """Acts without end: in each round every fault and every crash point once, kills in between."""
    rng = random.Random(seed)
    number = 0
    while True:
        for what, name in _round(rng):
            number += 1
            yield Act(
                number,
                what,
                name,
                pause=rng.uniform(0.2, _LONGEST_PAUSE),
                hold=rng.random(),
                kill_inside=what == "fault" and rng.random() < _KILL_INSIDE,
                seed=rng.getrandbits(32),
            )


def _round(rng: random.Random) -> list[tuple[What, str]]:
    """Faults in a random order, with as many kills and crash points spread between them."""
    faults: list[tuple[What, str]] = [("fault", fault.name) for fault in FAULTS]
    kills: list[tuple[What, str]] = [("kill", "sigkill") for _ in FAULTS]
    crashes: list[tuple[What, str]] = [("crash", point.name) for point in POINTS]
    for one in (faults, crashes):
        rng.shuffle(one)
    mixed = [one for trio in zip(faults, kills, crashes, strict=False) for one in trio]
    return mixed + crashes[len(faults) :]
