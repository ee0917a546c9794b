"""What must never be, and where things may rest."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from .state import Query, State
from .wire import VENDOR

Invariants: TypeAlias = Mapping[str, Callable[[State], bool]]

I3: Final = "I3: one accepted call, or told as unknown and then at most two"
FENCED: Final = "no call is made by a replica that has lost its lease"
RESENT_ONCE: Final = "after it was queued again one call is accepted at most"
NOT_REFUSED: Final = "what is told as refused was never accepted"
STARTED: Final = "what is told as started was accepted"
OURS: Final = "no query takes another's request for its own"
ONE_SLOT: Final = "the HIE slot is held by one"
NO_OVERLAP: Final = "two queries run HIE at once only after a deadline or a second call"

ENDS: Final = ("refused", "completed", "partial")


def _at_most_once(query: Query) -> bool:
    first, *more = query.accepted or (None,)
    return first is None or len(more) == 0 or (len(more) == 1 and more[0].was_told)


def _has_no_overlap(state: State) -> bool:
    running = [
        query for query in state.queries if any(call.fate == "accepted" for call in query.calls)
    ]
    return len(running) < 2 or any(query.overdue or query.resent for query in running)


def _each(holds: Callable[[Query], bool]) -> Callable[[State], bool]:
    return lambda state: all(holds(query) for query in state.queries)


ALWAYS: Final[Invariants] = {
    I3: _each(_at_most_once),
    NOT_REFUSED: _each(lambda query: "refused" not in query.told or not query.accepted),
    STARTED: _each(lambda query: "started" not in query.told or bool(query.accepted)),
    OURS: lambda state: all(
        owner == at for at, query in enumerate(state.queries) for owner, _ in query.ids
    ),
    ONE_SLOT: lambda state: sum(query.slot for query in state.queries) < 2,
    NO_OVERLAP: _has_no_overlap,
}
PROMPT: Final[Invariants] = {
    FENCED: _each(lambda query: not any(call.is_stale for call in query.calls)),
    RESENT_ONCE: _each(lambda query: sum(call.was_told for call in query.accepted) < 2),
}
"""What holds only as far as no process stands still between its check and its call."""

EVERY: Final[Invariants] = {**ALWAYS, **PROMPT}


def rests(state: State) -> bool:
    """I4: every query has ended, or is told as unknown; no call is under way, and no slot is held."""
    return all(
        (query.standing in ENDS or (query.standing == "unknown" and "unknown" in query.told))
        and query.call in ("done", "unknown")
        and not query.slot
        for query in state.queries
    )


def is_our_own(step: str) -> bool:
    """A step that leads to rest though the vendor never speaks again, and nobody kills anything."""
    return not step.startswith(VENDOR) and not step.endswith("is killed")


_ENDS_THINGS: Final = (
    "its deadline passes",
    "a check says no",
    "is swept",
    "is killed",
    "gets no connection",
    "stood still too long",
    "no answer arrives",
    "refuses",
    "answers 429",
    "answers 2xx",
    "is recorded",
    "speaks of",
    "has ended",
)


def ends_things(step: str) -> bool:
    """A step after which less can happen: a walk that takes it early has seen little."""
    return any(words in step for words in _ENDS_THINGS)
