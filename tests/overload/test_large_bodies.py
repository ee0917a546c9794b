"""Many bodies of 32 MiB at once: four are taken, the others are refused at once, memory is bounded.

The bound: 160 MiB for the bodies as received or sealed, the copies of the one that is being looked into,
and the process itself. ``tests/durability`` measures the same with Kafka and Postgres behind it.
"""

import re
from pathlib import Path

import pytest

from tests.overload.bench import GoodClient, at, attacked, ingress

pytestmark = pytest.mark.process

BOUND_MIB = 480


async def test_at_most_four_are_in_memory_and_the_others_get_503_at_once(tmp_path: Path) -> None:
    with ingress(tmp_path, store_seconds=2.0) as server:
        good = GoodClient(server.url)
        before = server.now_mib
        async with attacked(server.port, "largest", 40, 15) as attack:
            await good.run(5)
        print(good.report("40 x 32 MiB"), attack, f"{before:.0f} -> peak {server.peak_mib:.0f} MiB")
        assert not good.wrong
        assert at(good.pings, 1.0) < 2_000
        assert set(attack["ends"]) <= {"200", "503", "408"}
        log = (tmp_path / "ingress.log").read_text(encoding="utf-8")
        held = [int(found) for found in re.findall(r"large bodies at once: (\d+)", log)]
        assert max(held) <= 4
        assert attack["ends"]["200"] == len(held), "who was kept was told so"
        assert sum(attack["ends"].values()) == 40
        assert server.peak_mib < BOUND_MIB


async def test_who_announces_much_and_sends_little_takes_nobodys_place(tmp_path: Path) -> None:
    with ingress(tmp_path) as server:
        async with (
            attacked(server.port, "drip_large", 100, 4) as drips,
            attacked(server.port, "just_large", 1, 6) as attack,
        ):
            pass
        assert set(drips["ends"]) == {"408"}
        assert attack["ends"] == {"200": 1}
