"""Two subjects share one patient, and one of them means harm (I1, I2, I3, I5, I9)."""

# ruff: noqa: FBT001 - hypothesis gives arguments by name

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.store.pool import Database
from tests.fuzz.profiles import CHOSEN, examples, times
from tests.support import people

from .acting import ACTIONS, Action
from .conftest import Build
from .honest import go_on
from .world import World

EXAMPLES, LENGTH = 100, 45
REACHED = ("NetworkQuerySourceUpdated", "ConsolidatedDataReady", "IdentityRevoked", "calls")
SUPPRESSED = CHOSEN.suppress_health_check
DRAWN: dict[str, Action] = {name: action for name, (_, action) in ACTIONS.items()}
DRAWN["go_on"] = go_on
NAMES = ["go_on"] * 45 + [name for name, (often, _) in ACTIONS.items() for _ in range(often)]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.integers(0, 1),
        st.integers(0, 127),
        st.sampled_from([False] * 5 + [True]),
    ),
    min_size=LENGTH // 3,
    max_size=LENGTH,
)

Steps = list[tuple[str, int, int, bool]]


async def _begin(world: World, database: Database) -> None:
    """What earlier examples left undone is not this one's business."""
    await people.sql(database, "update vendor_call set state = 'done' where state <> 'done'")
    await people.sql(database, "delete from parked_webhook")
    await people.sql(database, "update unbound_identity set settled = true")
    await world.gateway.provide_slots()
    await world.watcher.skip()


@pytest.fixture
def tally() -> Iterator[Counter[str]]:
    """What happened over all examples: a model that nothing was held against has shown nothing."""
    happened: Counter[str] = Counter()
    yield happened
    print(dict(happened))
    for kind in REACHED:
        assert happened[kind] > times(EXAMPLES) // 8, f"hardly tried: {happened}"


@settings(
    examples(EXAMPLES),
    suppress_health_check=[*SUPPRESSED, HealthCheck.function_scoped_fixture],
)
@given(treatment=st.sampled_from([False, False, True]), steps=STEPS)
async def test_no_interleaving_gives_one_what_belongs_to_the_other(
    database: Database, build: Build, tally: Counter[str], treatment: bool, steps: Steps
) -> None:
    """After every step everything told, every call made and every row is held to the model."""
    world = build(treatment)
    await _begin(world, database)
    for name, who, n, twice in steps:
        await DRAWN[name](world, world.subjects[who], n, twice)
        await world.look()
    tally.update(world.watcher.tally)
    tally.update(calls=world.vendor.judged, steps=len(steps))
