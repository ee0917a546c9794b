"""Walks at random through a model that is too large to be explored.

A walk is its seed: the same one takes the same steps, in any process. It has two parts. First anything may
happen, for as long as the walk drew. Then nothing does but what may be relied upon (``Model.counts``), and
where that ends, things must rest: what an exploration asks of every state, asked of one way.

Were every step as likely as any other, most walks would soon be over, for there are many ways to fail and
to give up, and few that lead far. So steps that end things come seldom, and each walk draws which others do.

What is known of a state is kept, so that its steps are made and its invariants checked once.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

from .explorer import STUCK, Model, S

KEPT: Final = 100_000
"""States whose steps are remembered; then all are forgotten, so that memory stays bounded."""
MOST: Final = 60
"""Steps at which a walk turns towards rest, at the latest; and as many on that way."""
ENDING: Final = (1 / 50, 1 / 50, 1 / 5)
SELDOM: Final = (1.0, 1 / 16)
"""How likely a step is that ends things, and any other: each walk draws one of the two."""

T = TypeVar("T")


class Walk(NamedTuple, Generic[T]):
    """One walk. ``trace``: its steps and, last, the name of what did not hold, if something did not."""

    trace: tuple[str, ...]
    end: T
    violated: str | None = None


@dataclass(frozen=True)
class Manner:
    """How steps are told apart: ``kind``, whoever takes them, and which kinds end things."""

    kind: Callable[[str], str]
    ends: Callable[[str], bool]


class _Step(NamedTuple, Generic[T]):
    name: str
    kind: str
    after: T


class _Place(NamedTuple, Generic[T]):
    """What is known of a state: the steps from it, those that count, and what does not hold in it."""

    steps: tuple[_Step[T], ...]
    own: tuple[_Step[T], ...]
    wrong: str | None


@dataclass
class _Mood:
    """The draws of one walk, and how likely each kind of step is in it."""

    draw: random.Random
    ends: Callable[[str], bool]
    weights: dict[str, float] = field(default_factory=dict)

    def choose(self, steps: tuple[_Step[T], ...]) -> _Step[T]:
        weights = [self.weights.get(step.kind) or self._weigh(step.kind) for step in steps]
        point = self.draw.random() * sum(weights)
        for step, weight in zip(steps, weights, strict=True):
            point -= weight
            if point < 0:
                return step
        return steps[-1]

    def _weigh(self, kind: str) -> float:
        self.weights[kind] = weight = self.draw.choice(ENDING if self.ends(kind) else SELDOM)
        return weight


class Walker(Generic[S]):
    """Walks through one model.

    ``steps`` were taken so far, and ``seen`` has a hash of each state that was looked at.
    """

    def __init__(self, model: Model[S], manner: Manner) -> None:
        self._model = model
        self._manner = manner
        self._kinds: dict[str, str] = {}
        self._places: dict[S, _Place[S]] = {}
        self.seen: set[int] = set()
        self.steps = 0

    def walk(self, seed: int) -> Walk[S]:
        """The walk of this seed."""
        mood = _Mood(random.Random(seed), self._manner.ends)
        trace: list[str] = []
        most = min(MOST, mood.draw.randrange(1, 2 * MOST))
        state = self._go(self._model.start, mood, trace, most, own=False)
        state = self._go(state, mood, trace, MOST, own=True)
        self.steps += len(trace)
        wrong = self._place(state).wrong or self._stuck(state)
        return Walk((*trace, wrong) if wrong else tuple(trace), state, wrong)

    def _go(self, state: S, mood: _Mood, trace: list[str], most: int, *, own: bool) -> S:
        """So many steps on, or until none is left, or something does not hold."""
        for _ in range(most):
            place = self._place(state)
            steps = place.own if own else place.steps
            if not steps or place.wrong is not None:
                break
            step = mood.choose(steps)
            trace.append(step.name)
            state = step.after
        return state

    def _stuck(self, state: S) -> str | None:
        rests = self._model.rests
        return None if rests is None or rests(state) else STUCK

    def _place(self, state: S) -> _Place[S]:
        place = self._places.get(state)
        if place is None:
            if len(self._places) >= KEPT:
                self._places.clear()
            place = self._places[state] = self._look(state)
            self.seen.add(hash(state))
        return place

    def _look(self, state: S) -> _Place[S]:
        steps = tuple(
            _Step(name, self._kind(name), after) for name, after in self._model.steps(state)
        )
        own = tuple(step for step in steps if self._model.counts(step.name))
        wrong = (name for name, holds in self._model.invariants.items() if not holds(state))
        return _Place(steps, own, next(wrong, None))

    def _kind(self, name: str) -> str:
        kind = self._kinds.get(name)
        if kind is None:
            kind = self._kinds[name] = self._manner.kind(name)
        return kind
