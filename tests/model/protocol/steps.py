"""What a query does on hearing something: the model's own table, written from the promise.

It stands for ``service.ias.network_query_table``, with which ``test_table`` compares every pair that an
exploration used.
"""

from typing import Final, Literal, NamedTuple

from .state import Id, Query, Setup, Standing, Told

Cue = Literal[
    "slot_taken",
    "cleared",
    "turned_down",
    "not_sent",
    "unclear",
    "vendor_refused",
    "accepted",
    "proof_found",
    "resend",
    "expired",
    "all_completed",
]


class Step(NamedTuple):
    """``frees``: the HIE slot. ``again``: the call is wanted once more."""

    to: Standing
    tells: frozenset[Told] = frozenset()
    frees: bool = False
    again: bool = False


_UNKNOWN: Final = frozenset[Told]({"unknown"})
_REFUSED: Final = frozenset[Told]({"refused"})
_STARTED: Final = frozenset[Told]({"started"})
_ENDS: Final = Step("completed")
_GOES: Final[dict[Cue, Step]] = {
    "cleared": Step("dispatching"),
    "slot_taken": Step("waiting", again=True),
    "turned_down": Step("refused", _REFUSED, frees=True),
    "proof_found": Step("started", _STARTED),
    "expired": Step("refused", _REFUSED, frees=True),
}
_STILL_UNKNOWN: Final = Step("unknown", _UNKNOWN)

STEPS: Final[dict[Standing, dict[Cue, Step]]] = {
    "due": _GOES,
    "waiting": _GOES,
    "dispatching": {
        "not_sent": Step("due", frees=True, again=True),
        "unclear": Step("unknown", _UNKNOWN),
        "vendor_refused": Step("refused", _REFUSED, frees=True),
        "accepted": Step("started", _STARTED),
        "proof_found": Step("started", _STARTED),
    },
    "unknown": {
        "accepted": Step("started", _STARTED),
        "proof_found": Step("started", _STARTED),
        "expired": Step("unknown", frees=True),
        "resend": Step("resending", frozenset({"queued again"}), again=True),
    },
    "resending": {
        "cleared": Step("resending"),
        "slot_taken": Step("resending", again=True),
        "not_sent": Step("resending", again=True),
        "turned_down": _STILL_UNKNOWN,
        "unclear": _STILL_UNKNOWN,
        "vendor_refused": _STILL_UNKNOWN,
        "accepted": Step("started", _STARTED),
        "proof_found": Step("started", _STARTED),
        "expired": Step("unknown", frees=True),
    },
    "started": {"all_completed": _ENDS, "expired": Step("partial", frees=True)},
    "partial": {"all_completed": _ENDS},
    "refused": {},
    "completed": {"all_completed": _ENDS},
}
"""A pair that is not here changes nothing and tells nothing."""


def step_of(query: Query, cue: Cue) -> Step:
    """What the query makes of the cue."""
    return STEPS[query.standing].get(cue) or Step(query.standing)


def moved(query: Query, step: Step) -> Query:
    """The query after the step; calls that are wanted again are the caller's."""
    return query._replace(
        standing=step.to, told=query.told | step.tells, slot=query.slot and not step.frees
    )


class Rules:
    """``used`` collects the pairs that were asked for, to be compared with the product's table."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.used: set[tuple[Standing, Cue]] = set()

    def step(self, query: Query, cue: Cue) -> Step:
        """What the query makes of the cue."""
        self.used.add((query.standing, cue))
        return step_of(query, cue)

    def hear(self, query: Query, cue: Cue) -> Query:
        """The query after the cue."""
        return moved(query, self.step(query, cue))

    def learn(self, before: Query, after: Query, theirs: Id) -> Query:
        """``queries.started`` keeps the first id; ``queries.also_known_as`` the other, after a re-send."""
        if not before.ids:
            news = "started" in after.told and "started" not in before.told
            return after._replace(ids=(theirs,)) if news else after
        if theirs in before.ids or not before.resent or len(before.ids) > 1:
            return after
        return after._replace(ids=(*before.ids, theirs))
