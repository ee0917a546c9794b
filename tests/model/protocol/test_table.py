"""The model's steps are the product's: the model cannot drift away from what is shipped."""

import pytest

from schemas.events import (
    NetworkQueryFinished,
    NetworkQueryOutcomeUnknown,
    NetworkQueryQueued,
    NetworkQueryRefused,
    NetworkQueryStarted,
)
from service.ias.machine import Effect
from service.ias.network_query import QueryState
from service.ias.network_query_table import QUERY, QueryCue

from .dispatch import explored
from .state import Query, Setup, Standing
from .steps import STEPS, Cue, step_of

EVENTS = {
    NetworkQueryOutcomeUnknown: "unknown",
    NetworkQueryQueued: "queued again",
    NetworkQueryStarted: "started",
    NetworkQueryRefused: "refused",
}
NOT_IN_THE_MODEL = {
    QueryCue.SESSION_REFUSED,
    QueryCue.SESSION_REFUSED_FOR_GOOD,
    QueryCue.SESSION_RENEWED,
    QueryCue.SOME_FAILED,
    QueryCue.ALL_FAILED,
    QueryCue.REVOKED,
    QueryCue.ERASED,
    QueryCue.CANCELLED,
    QueryCue.DATABASE_CHANGED,
}
NEVER_REACHED = {("due", "proof_found"), ("waiting", "proof_found"), ("resending", "slot_taken")}
"""Steps of both tables to which no order of steps leads; the product has them in case."""
SETUPS = (
    Setup(replicas=3),
    Setup(replicas=3, resend=True),
    Setup(attempts=(1, 1)),
    Setup(attempts=(2,), resend=True, prompt=False),
    Setup(attempts=(2, 1), replicas=1, resend=True),
)


@pytest.fixture
def used() -> set[tuple[Standing, Cue]]:
    """Every pair of state and cue that came up in explorations."""
    return set().union(*(explored(setup).used for setup in SETUPS))


def test_every_step_of_the_model_is_the_products(used: set[tuple[Standing, Cue]]) -> None:
    written = {(state, cue) for state, steps in STEPS.items() for cue in steps}
    for state, cue in used | written:
        ours = step_of(Query(standing=state), cue)
        theirs = QUERY.step(QueryState(state), QueryCue(cue))
        tells = {EVENTS[event] for event in theirs.tells if event is not NetworkQueryFinished}
        frees = Effect.FREE_HIE_SLOT in theirs.calls
        again = Effect.ASK_AGAIN in theirs.calls
        said = {"to": theirs.to, "tells": tells, "frees": frees, "again": again}
        assert ours._asdict() == said, (state, cue)


def test_the_model_calls_where_the_product_does(used: set[tuple[Standing, Cue]]) -> None:
    calls = {
        state for (state, cue), step in QUERY.table.items() if Effect.CALL_VENDOR in step.calls
    }
    assert {state for state, cue in used if cue == "cleared"} == calls


def test_every_cue_of_the_product_is_in_the_model_or_left_out_by_name(
    used: set[tuple[Standing, Cue]],
) -> None:
    assert {cue for _, cue in used} == set(QueryCue) - NOT_IN_THE_MODEL


def test_every_step_that_the_model_has_is_taken_or_is_named(
    used: set[tuple[Standing, Cue]],
) -> None:
    never = {(state, cue) for state, steps in STEPS.items() for cue in steps} - used
    assert never == NEVER_REACHED
