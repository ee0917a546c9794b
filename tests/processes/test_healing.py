"""The whole deployment: webhooks that failed while the ingress was away arrive without a human."""

import pytest

from tests.processes.scene import Scene

pytestmark = pytest.mark.process

HEALING = {"DELIVERY_HEALER": "true"}
A_MINUTE_AGO = "update ingress_heartbeat set good_since = now() - interval '1 minute'"


async def test_a_query_whose_webhooks_met_no_ingress_finishes_once_the_ingress_is_back(
    scene: Scene,
) -> None:
    """I1, I4: the vendor counts failures; the healer has it send them again; every source ends."""
    member = await (await scene.member("healed")).ready()
    async with scene.restarted("gateway", HEALING):
        await scene.stop("ingress")
        command = await member.start_query()
        sources = {f"network-query.{name}" for name in ("hie", "pharmacy", "lab")}
        await scene.vendor.failures(member.patient_id, sources)
        scene.sql("truncate ingress_heartbeat")
        await scene.start("ingress")
        await scene.until(lambda: scene.count("ingress_heartbeat") == 1, "a heartbeat")
        scene.sql(A_MINUTE_AGO)
        scene.sql("update delivery_healer set next_at = now()")

        finished = await member.told("NetworkQueryFinished", command, status="completed")

    assert {source["status"] for source in finished["sources"]} == {"completed"}
    assert len(await scene.vendor.calls("start-network-query", member.patient_id)) == 1
    assert {row["status"] for row in await scene.vendor.webhooks(member.patient_id)} == {"success"}
