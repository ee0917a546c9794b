"""Walks at random find what an exploration finds, though not the shortest way to it."""

import pytest

from .breakages import BREAKAGES, Broken
from .dispatch import Protocol
from .explorer import STUCK, Model
from .invariants import EVERY
from .state import Setup, State
from .walking import Manner, Walk, Walker

SEEDS = 20_000
LARGE = Setup(attempts=(2, 2, 2), replicas=3, resend=True)
PLAIN = Manner(kind=str, ends=lambda _: False)


def _first_wrong(broken: Broken) -> Walk[State] | None:
    held = {name: holds for name, holds in EVERY.items() if name == broken.violates}
    walker = broken.protocol(broken.setup).walker(held)
    walks = (walker.walk(seed) for seed in range(SEEDS))
    return next((walk for walk in walks if walk.violated == broken.violates), None)


@pytest.mark.parametrize("broken", BREAKAGES, ids=lambda broken: broken.protocol.__name__)
def test_a_protocol_that_was_broken_on_purpose_is_found_by_walking(broken: Broken) -> None:
    found = _first_wrong(broken)
    assert found is not None
    assert found.trace[-1] == broken.violates


def test_a_walk_is_its_seed_whatever_was_walked_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where everything that was known of states is forgotten meanwhile."""
    known = Protocol(LARGE).walker()
    first = [known.walk(seed) for seed in range(300)]
    monkeypatch.setattr("tests.model.protocol.walking.KEPT", 1)
    assert [Protocol(LARGE).walker().walk(seed) for seed in range(0, 300, 50)] == first[::50]
    assert len({walk.trace for walk in first}) > 250


def test_every_step_of_a_walk_is_one_that_the_protocol_has() -> None:
    protocol = Protocol(LARGE)
    walker = protocol.walker()
    for seed in range(50):
        walk = walker.walk(seed)
        states = {protocol.model({}).start}
        for name in walk.trace:  # a name may lead to several states
            states = {
                after for state in states for said, after in protocol.steps(state) if said == name
            }
        assert walk.end in states
        assert walk.violated is None


def test_a_walk_that_ends_where_nothing_rests_is_told() -> None:
    leads = {"hall": ["garden", "cellar"], "garden": [], "cellar": []}
    model = Model(
        start="hall",
        steps=lambda room: [(f"to the {other}", other) for other in leads[room]],
        invariants={},
        rests=lambda room: room == "garden",
    )
    walker = Walker(model, PLAIN)
    assert {walker.walk(seed).trace for seed in range(20)} == {
        ("to the garden",),
        ("to the cellar", STUCK),
    }


def test_what_must_never_be_ends_the_walk_and_is_its_last_line() -> None:
    steps = {0: [("one more", 1)], 1: [("one more", 2)], 2: [("one more", 3)], 3: []}
    never = {"never two": lambda number: number != 2}
    walker = Walker(Model(start=0, steps=lambda n: steps[n], invariants=never), PLAIN)
    assert {walker.walk(seed).trace for seed in range(20)} == {
        ("one more", "one more", "never two")
    }
    assert walker.seen == {hash(0), hash(1), hash(2)}
