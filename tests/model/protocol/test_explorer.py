"""The explorer, on toys: a jug puzzle, a dead end, a model without an end."""

import pytest

from .explorer import STUCK, Explored, Model, TooManyStatesError, explore

Jugs = tuple[int, int]


def _pour(jugs: Jugs) -> list[tuple[str, Jugs]]:
    """Jugs of three and of five pints."""
    small, large = jugs
    there, back = min(small, 5 - large), min(large, 3 - small)
    return [
        ("fill the small one", (3, large)),
        ("fill the large one", (small, 5)),
        ("empty the small one", (0, large)),
        ("empty the large one", (small, 0)),
        ("small into large", (small - there, large + there)),
        ("large into small", (small + back, large - back)),
    ]


def _measure(pints: int) -> Explored[Jugs]:
    never = {f"never {pints} pints": lambda jugs: pints not in jugs}
    return explore(Model(start=(0, 0), steps=_pour, invariants=never))


def _doors(*, way_back: bool) -> Explored[str]:
    """A hall, a cellar whose door may fall shut, and a garden, where one may stay."""
    leads = {"hall": ["garden", "cellar"], "garden": ["hall"], "cellar": ["hall"] * way_back}
    return explore(
        Model(
            start="hall",
            steps=lambda room: [(f"to the {other}", other) for other in leads[room]],
            invariants={},
            rests=lambda room: room == "garden",
        )
    )


def test_it_finds_the_shortest_way_to_what_must_never_be() -> None:
    found = _measure(4)
    assert found.trace == (
        "fill the large one",
        "large into small",
        "empty the small one",
        "large into small",
        "fill the large one",
        "large into small",
        "never 4 pints",
    )
    assert found.violated == "never 4 pints"


def test_it_sees_every_state_and_no_other() -> None:
    found = _measure(6)
    assert found.violated is None
    on_the_edge = {(small, large) for small in range(4) for large in range(6)}
    on_the_edge -= {(small, large) for small in (1, 2) for large in (1, 2, 3, 4)}
    assert found.states == on_the_edge
    assert found.steps == 6 * len(on_the_edge)


def test_a_start_that_is_wrong_already_has_a_trace_without_steps() -> None:
    assert _measure(0).trace == ("never 0 pints",)


def test_it_sees_a_state_from_which_no_way_leads_to_rest() -> None:
    assert _doors(way_back=False).trace == ("to the cellar", STUCK)


def test_a_state_that_is_left_again_is_not_stuck() -> None:
    assert _doors(way_back=True).violated is None


def test_a_step_that_nobody_can_rely_upon_saves_no_state() -> None:
    model = Model(
        start="waiting",
        steps=lambda state: [("an answer comes", "done")] if state == "waiting" else [],
        invariants={},
        rests=lambda state: state == "done",
        counts=lambda name: name != "an answer comes",
    )
    assert explore(model).trace == (STUCK,)


def test_a_model_without_an_end_is_told_and_not_walked_for_ever() -> None:
    model = Model[int](start=0, steps=lambda n: [("one more", n + 1)], invariants={})
    with pytest.raises(TooManyStatesError):
        explore(model, most=1000)
