"""The whole protocol: every step that somebody may take in a state."""

from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from .doubt import Doubt
from .explorer import Explored, Model, explore
from .invariants import ALWAYS, EVERY, Invariants, ends_things, is_our_own, rests
from .replica import Replica
from .state import Move, Query, Setup, Standing, State, kind
from .steps import Cue
from .walking import Manner, Walker
from .wire import Wire

MOST: Final = 100_000
"""States; a model that has more is not small any more."""


class Protocol(Replica, Wire, Doubt):
    """As the product has it. A breakage overrides one of its rules."""

    def steps(self, state: State) -> Iterator[Move]:
        """Whatever may happen next; what changes nothing is left out."""
        for part in (
            self.claims,
            self.performs,
            self.records,
            self.crashes,
            self.leases,
            self.vendor_acts,
            self.vendor_answers,
            self.webhooks,
            self.resends,
            self.deadlines,
        ):
            for name, after in part(state):
                if after != state:
                    yield name, after

    def model(self, invariants: Invariants) -> Model[State]:
        """What there is to explore, or to walk through."""
        return Model(
            start=State(tuple(Query() for _ in self.setup.attempts)),
            steps=self.steps,
            invariants=invariants,
            rests=rests,
            counts=is_our_own,
        )

    def explore(self, invariants: Invariants = EVERY) -> Explored[State]:
        """Every state that can be reached, or the shortest way to one that is wrong."""
        return explore(self.model(invariants), MOST)

    def walker(self, invariants: Invariants = EVERY) -> Walker[State]:
        """For what is too large to be explored."""
        return Walker(self.model(invariants), Manner(kind, ends_things))


def invariants_of(setup: Setup) -> Invariants:
    """What holds of the unbroken protocol under that setup."""
    return EVERY if setup.prompt else ALWAYS


class Known(NamedTuple):
    """What the unbroken protocol reaches, and the pairs of state and cue that came up."""

    found: Explored[State]
    used: frozenset[tuple[Standing, Cue]]


@cache
def explored(setup: Setup) -> Known:
    """The unbroken protocol, walked through once for all tests."""
    protocol = Protocol(setup)
    found = protocol.explore(invariants_of(setup))
    return Known(found, frozenset(protocol.used))
