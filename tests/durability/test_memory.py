"""Memory does not grow with the webhooks that were handled (K15). At length only: see ``make test-deep``."""

import os

import pytest

from tests.durability.conftest import Breakable
from tests.durability.load import Load
from tests.overload.bench import memory_mib

SECONDS = float(os.environ.get("DURABILITY_SECONDS", "0"))
ROLES = ("ingress", "consumers", "gateway")

pytestmark = [
    pytest.mark.process,
    pytest.mark.edge,
    pytest.mark.skipif(SECONDS < 60, reason="a slope needs a minute at least: DURABILITY_SECONDS"),
]


async def test_a_long_stream_of_webhooks_leaves_memory_as_it_was(breakable: Breakable) -> None:
    """Two equal stretches after one to warm up; the second may add 4 MiB to any role."""
    found: list[dict[str, float]] = []
    for _ in range(3):
        load = Load(lambda: breakable.url, breakable.key)
        await load.run(SECONDS / 3)
        assert load.statuses() == {200}
        await breakable.all_took_effect({answer.message_id for answer in load.answers}, 60.0)
        processes = breakable.deployment.processes
        found.append({role: memory_mib(processes[role].pid, "VmRSS") for role in ROLES})
    print(found)
    for role in ROLES:
        assert found[2][role] - found[1][role] < 4.0, (role, found)
