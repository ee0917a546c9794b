"""The campaign of walks: what is broken is counted, and so is a walk that is another the second time."""

from tests.model.protocol.breakages import SlotTakenFromAnother
from tests.model.protocol.invariants import ONE_SLOT
from tests.soak.walks import ONE_IN, SETUPS, Guide, differing, walk_all

SEEDS = range(600)


def test_a_broken_protocol_is_counted_and_each_finding_is_repeated_by_its_seed() -> None:
    found = walk_all(SEEDS, SlotTakenFromAnother)
    assert len(found.wrong) > 5
    assert ONE_SLOT in {walk.violated for _, walk in found.wrong}
    seed, walk = found.wrong[0]
    assert Guide(SlotTakenFromAnother).walk(seed) == walk


def test_the_protocol_is_walked_on_every_setup_and_nothing_is_wrong() -> None:
    found = walk_all(SEEDS)
    assert (found.walks, found.wrong) == (len(SEEDS), [])
    assert found.steps > 10 * found.walks
    assert found.states > 1_000
    assert len(SEEDS) > len(SETUPS)


def test_a_walk_that_is_another_the_second_time_is_named() -> None:
    kept = walk_all(range(ONE_IN, ONE_IN + 3)).to_replay
    assert differing(kept) == []
    (seed, walk), *_ = kept
    assert differing([(seed, walk._replace(trace=walk.trace[:-1]))]) == [seed]
