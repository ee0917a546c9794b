"""Walks at random through the dispatch protocol's model, on setups too large to be explored (I3, I4).

Every state of each walk is held to every invariant, and each walk goes on until things rest. A walk is its
seed, which is the campaign's and its number: ``--walks 1 --seed S`` repeats one. Of every thousand, one is
walked again by another process, which knows nothing of the first, and must be the same in every step.
"""

import gc
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from tests.model.protocol.dispatch import Protocol, invariants_of
from tests.model.protocol.state import Setup, State
from tests.model.protocol.walking import Walk, Walker
from tests.soak.campaign import arguments, told

SETUPS: Final = (
    Setup(attempts=(2, 2, 2), replicas=3, resend=True),
    Setup(attempts=(2, 2, 2), replicas=3, resend=True, prompt=False, forgets=False),
    Setup(attempts=(2, 2, 2), replicas=2),
    Setup(attempts=(3, 2, 1), replicas=3, resend=True),
    Setup(attempts=(3, 3), replicas=4, resend=True),
    Setup(attempts=(5,), replicas=4, resend=True, prompt=False),
)
"""Chosen by a walk's seed. Where processes stand still, a late call of one query may be taken for another's,
unless it keeps its metadata: ``test_dispatch`` has that case."""
ONE_IN: Final = 1_000
SHOWN: Final = 5
Make = Callable[[Setup], Protocol]


@dataclass
class Found:
    """What one process saw."""

    walks: int = 0
    steps: int = 0
    states: int = 0
    wrong: list[tuple[int, Walk[State]]] = field(default_factory=list)
    to_replay: list[tuple[int, Walk[State]]] = field(default_factory=list)


class Guide:
    """Walks each seed through its setup."""

    def __init__(self, make: Make = Protocol) -> None:
        self.walkers: list[Walker[State]] = [
            make(setup).walker(invariants_of(setup)) for setup in SETUPS
        ]

    def walk(self, seed: int) -> Walk[State]:
        return self.walkers[seed % len(SETUPS)].walk(seed)


def walk_all(seeds: Iterable[int], make: Make = Protocol) -> Found:
    """Walk them one after another; a line now and then."""
    guide, found = Guide(make), Found()
    for seed in seeds:
        walk = guide.walk(seed)
        found.walks += 1
        if walk.violated:
            found.wrong.append((seed, walk))
        if found.walks % ONE_IN == 1:
            found.to_replay.append((seed, walk))
        if found.walks % 50_000 == 0:
            print(f"{found.walks} walks, {len(found.wrong)} wrong", file=sys.stderr, flush=True)
    found.steps = sum(walker.steps for walker in guide.walkers)
    found.states = sum(len(walker.seen) for walker in guide.walkers)
    return found


def differing(replayed: Iterable[tuple[int, Walk[State]]]) -> list[int]:
    """The seeds whose walk is another when it is walked again, from nothing."""
    return [seed for seed, walk in replayed if Guide().walk(seed) != walk]


def _stretch(seeds: range) -> Found:
    gc.disable()  # states are kept, and hold no cycles: to look for some takes most of the time
    return walk_all(seeds)


def _main() -> int:
    asked = arguments("walks", __doc__, walks=1_000_000, workers=2)
    began, end = time.monotonic(), asked.seed + asked.walks
    stretches = [range(asked.seed + n, end, asked.workers) for n in range(asked.workers)]
    with ProcessPoolExecutor(asked.workers, multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(_stretch, stretches))
    took = time.monotonic() - began
    replayed = [one for part in found for one in part.to_replay]
    wrong, other = [one for part in found for one in part.wrong], differing(replayed)
    for seed, walk in wrong[:SHOWN]:
        print(f"--walks 1 --seed {seed}: {SETUPS[seed % len(SETUPS)]}", *walk.trace, sep="\n  ")
    for seed in other[:SHOWN]:
        print(f"--walks 1 --seed {seed}: another walk when it is walked again")
    figures = {
        "walks": sum(part.walks for part in found),
        "steps": sum(part.steps for part in found),
        "states": sum(part.states for part in found),
        "replayed": len(replayed),
        "replayed_otherwise": len(other),
        "workers": asked.workers,
        "took_s": round(took, 1),
        "per_second": round(asked.walks / took),
    }
    return told("walks", asked.seed, len(wrong) + len(other), figures)


if __name__ == "__main__":
    sys.exit(_main())
