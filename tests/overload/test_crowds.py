"""Crowds of connections that send little or nothing, beside a good client (E1, H1, T10)."""

from pathlib import Path

import pytest

from tests.overload.bench import GoodClient, at, attacked, ingress

pytestmark = pytest.mark.process


async def test_three_thousand_half_heads_are_cut_and_webhooks_are_answered(tmp_path: Path) -> None:
    with ingress(tmp_path) as server:
        good = GoodClient(server.url)
        async with attacked(server.port, "half_head", 3_000, 8) as attack:
            await good.run(6)
        print(good.report("half heads"), attack, f"peak {server.peak_mib:.0f} MiB")
        assert not good.wrong
        assert at(good.webhooks, 0.99) < 1_000
        assert at(good.pings, 1.0) < 2_000
        assert set(attack["ends"]) == {"closed"}
        assert attack["slowest"]["closed"] < 7
        assert server.peak_mib < 200


async def test_more_connections_than_there_may_be_push_out_each_other(tmp_path: Path) -> None:
    """9,000 silent connections, 8,000 allowed: newcomers always find a place."""
    with ingress(tmp_path) as server:
        good = GoodClient(server.url)
        async with attacked(server.port, "silent", 9_000, 12) as attack:
            await good.run(6)
        print(good.report("9,000 silent"), attack, f"peak {server.peak_mib:.0f} MiB")
        assert not good.wrong
        assert at(good.webhooks, 0.99) < 1_000
        assert at(good.pings, 1.0) < 2_000
        assert set(attack["ends"]) == {"closed"}
        assert server.peak_mib < 250


@pytest.mark.parametrize("kind", ["drip", "drip_large"])
async def test_dripping_bodies_get_408_after_a_second(tmp_path: Path, kind: str) -> None:
    with ingress(tmp_path) as server:
        good = GoodClient(server.url)
        async with attacked(server.port, kind, 500, 4) as attack:
            await good.run(3)
        print(good.report(kind), attack, f"peak {server.peak_mib:.0f} MiB")
        assert not good.wrong
        assert at(good.webhooks, 0.99) < 1_000
        assert at(good.pings, 1.0) < 2_000
        assert set(attack["ends"]) == {"408"}
        assert attack["slowest"]["408"] < 2.0
