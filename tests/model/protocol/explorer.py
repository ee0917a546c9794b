"""Walks through every state that can be reached, breadth first, and looks at each one.

A state is any value that can be hashed. The first state found to be wrong is one of the nearest to the
start, so its trace is as short as any.
"""

import gc
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)

STUCK = "nothing is stuck"
"""The name of what is violated where no way leads on to a state of rest."""


class TooManyStatesError(Exception):
    """The model has more states than were allowed: it is not bounded, or not small."""


@dataclass(frozen=True, kw_only=True)
class Model(Generic[S]):
    """What is explored.

    Attributes:
        start: The first state.
        steps: What may happen next: the step's name, and the state after it.
        invariants: By name, what must hold in every state.
        rests: Whether things may stay as they are in a state, for ever; ``None``: nobody asks.
        counts: Whether a step may be relied upon to lead to rest.
    """

    start: S
    steps: Callable[[S], Iterable[tuple[str, S]]]
    invariants: Mapping[str, Callable[[S], bool]]
    rests: Callable[[S], bool] | None = None
    counts: Callable[[str], bool] = lambda _: True


@dataclass(frozen=True, kw_only=True)
class Explored(Generic[S]):
    """What was found. ``trace``: the steps to the violation, whose name is its last line."""

    states: frozenset[S]
    steps: int
    names: frozenset[str]
    trace: tuple[str, ...] = ()

    @property
    def violated(self) -> str | None:
        """The name of what did not hold."""
        return self.trace[-1] if self.trace else None


class _Walk(Generic[S]):
    """One exploration, as far as it got. States are numbered as they are found."""

    def __init__(self, model: Model[S], most: int) -> None:
        self._model = model
        self._most = most
        self._number = {model.start: 0}
        self._states = [model.start]
        self._came: list[tuple[int, str]] = [(0, "")]
        self._back: list[list[int]] = [[]]
        self._names: dict[str, bool] = {}
        """Every step, and whether it counts."""
        self._steps = 0

    def explore(self) -> Explored[S]:
        for number, state in enumerate(self._states):  # grows meanwhile
            for name, holds in self._model.invariants.items():
                if not holds(state):
                    return self._found(number, name)
            self._step(number, state)
        return self._found(self._stuck(), STUCK)

    def _step(self, number: int, state: S) -> None:
        for name, after in self._model.steps(state):
            self._steps += 1
            if name not in self._names:
                self._names[name] = self._model.counts(name)
            there = self._number.setdefault(after, len(self._states))
            if there == len(self._states):
                self._add(after, (number, name))
            if self._names[name]:
                self._back[there].append(number)

    def _add(self, state: S, came: tuple[int, str]) -> None:
        if len(self._states) >= self._most:
            raise TooManyStatesError(self._most)
        self._states.append(state)
        self._came.append(came)
        self._back.append([])

    def _stuck(self) -> int | None:
        """The first state from which no way leads to rest."""
        rests = self._model.rests
        if rests is None:
            return None
        waiting = deque(number for number, state in enumerate(self._states) if rests(state))
        saved = set(waiting)
        while waiting:
            before = {one for one in self._back[waiting.popleft()] if one not in saved}
            saved |= before
            waiting.extend(before)
        return next((number for number in range(len(self._states)) if number not in saved), None)

    def _found(self, number: int | None, violated: str) -> Explored[S]:
        trace = () if number is None else (*self._way_to(number), violated)
        return Explored(
            states=frozenset(self._states),
            steps=self._steps,
            names=frozenset(self._names),
            trace=trace,
        )

    def _way_to(self, number: int) -> list[str]:
        names = []
        while number:
            number, name = self._came[number]
            names.append(name)
        return names[::-1]


def explore(model: Model[S], most: int = 1_000_000) -> Explored[S]:
    """Every state that can be reached, or the shortest way to one that is wrong.

    Raises:
        TooManyStatesError: There are more than ``most``.
    """
    collects = gc.isenabled()
    gc.disable()  # states are kept, and hold no cycles: to look for some takes most of the time
    try:
        return _Walk(model, most).explore()
    finally:
        if collects:
            gc.enable()
