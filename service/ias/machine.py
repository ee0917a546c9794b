"""A state machine as a table: what each state makes of each cue, and why.

A *message* comes with data: times, ids, status words. A pure function of (values, message, now)
decides every guard and leaves a *cue*, one word of a closed list. The table then says, for every pair
of state and cue, the next state, the events told and the effects caused. A pair that nothing was
written for does not exist: a table with a hole, or with a step that moves backwards, is refused when
the module is imported. ``python -m service.ias.transitions`` prints all tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

from schemas.base import Event


class Effect(StrEnum):
    """What a step causes beside its state and its events; the shell carries it out."""

    ACTIVATE_IDENTITY = "activate the identity"
    ASK_AGAIN = "ask again later"
    ASK_PERSON = "ask the person for a fresh challenge"
    BIND_IDENTITY = "bind the identity"
    CALL_VENDOR = "call the vendor"
    FREE_HIE_SLOT = "free the HIE slot"
    ISSUE_LINK = "issue the data link"
    KEEP_UNBOUND = "keep the webhook sealed and raise the alarm"
    PROVE_SESSION = "the session is proven"
    RECEIVE_SESSION = "keep the session, sealed"
    REFUSE_SESSION = "the session is refused"
    RENEW = "ask for the same in a fresh query"
    RETURN_USE = "the use of the session does not count"
    STOP_HOLDER = "stop the identity for both"


S = TypeVar("S", bound=StrEnum)
C = TypeVar("C", bound=StrEnum)
T = TypeVar("T")


@dataclass(frozen=True)
class Step(Generic[S]):
    """What one state makes of one cue. ``why`` is for the printed table."""

    to: S
    why: str
    tells: tuple[type[Event], ...] = ()
    calls: tuple[Effect, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Decision(Generic[T]):
    """What a pure rule answers: the state to store, the events to tell, the effects to cause."""

    state: T
    events: tuple[Event, ...] = ()
    calls: tuple[Effect, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Machine(Generic[S, C]):
    """One table.

    Attributes:
        name: Title in the printed table.
        about: A sentence or two for its reader.
        start: The states in which something begins.
        rank: How far each state is; no step leads to a lower one.
        cues: Every cue with its meaning.
        steps: The decisions, by state and cue.
        otherwise: For a state: why it stays, and nothing is said, on every cue without a step.

    Raises:
        ValueError: a state has no rank, a cue no meaning, a pair no decision; or a step moves back.
    """

    name: str
    about: str
    start: tuple[S, ...]
    rank: Mapping[S, int]
    cues: Mapping[C, str]
    steps: Mapping[S, Mapping[C, Step[S]]]
    otherwise: Mapping[S, str]
    table: Mapping[tuple[S, C], Step[S]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if set(self.rank) != set(type(self.start[0])):
            raise ValueError(f"{self.name}: every state needs a rank")
        if set(self.cues) != set(type(next(iter(self.cues)))):
            raise ValueError(f"{self.name}: every cue needs a meaning")
        table = {
            (state, cue): self._decided(state, cue) for state in self.rank for cue in self.cues
        }
        object.__setattr__(self, "table", MappingProxyType(table))

    def step(self, state: S, cue: C) -> Step[S]:
        """What ``state`` makes of ``cue``. Never raises: every pair is decided."""
        return self.table[state, cue]

    def _decided(self, state: S, cue: C) -> Step[S]:
        step = self.steps.get(state, {}).get(cue)
        if step is None:
            if state not in self.otherwise:
                raise ValueError(f"{self.name}: {state} on {cue} is not decided")
            step = Step(state, self.otherwise[state])
        if self.rank[step.to] < self.rank[state]:
            raise ValueError(f"{self.name}: {state} on {cue} moves backwards")
        return step
