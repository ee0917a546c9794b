"""Scenarios in which a process, the vendor's answer, the broker or a transaction is lost at a chosen point.

Triggers hold a transaction at one statement, or break it off: the product is not changed, its database
is slow or in conflict there, as it may be anywhere.
"""

import asyncio
from typing import Final

from tests.chaos.planted.plain import MARGIN, PHARMACY, outcome
from tests.chaos.planted.stage import Scenario
from tests.local.application import Fields
from tests.processes.scene import Member, Scene

_SLOW: Final = """
create function slow() returns trigger language plpgsql as
$$ begin perform pg_sleep({seconds}); return new; end $$
"""
_ONCE: Final = """
create function once() returns trigger language plpgsql security definer as
$$ begin
    if nextval('public.once_number') = 1 then
        raise exception 'in conflict, once' using errcode = '40001';
    end if;
    return new;
end $$
"""


def slow(scene: Scene, table: str, when: str, seconds: float) -> None:
    """Let inserts into a table take so long, after the row is written."""
    scene.sql(_SLOW.format(seconds=seconds))
    scene.sql(
        f"create trigger slow after insert on {table} for each row when ({when})"
        " execute function slow()"
    )


def fast(scene: Scene) -> None:
    """No slow inserts any more."""
    scene.sql("drop function slow cascade")


def kill(scene: Scene, role: str) -> None:
    """SIGKILL."""
    scene.deployment.processes[role].kill()


async def _verification(scene: Scene, member: Member) -> Fields:
    """A link to a verification page."""
    back = scene.application.return_url
    command = await member.send(
        "StartIdentityVerification", patientId=member.patient_id, returnUrl=back
    )
    return await member.step_link(command)


async def killed_in_handler(scene: Scene) -> None:
    """The consumers are killed while the transaction of an identity is open."""
    member = await (await scene.member("handler")).registered()
    link = await _verification(scene, member)
    slow(scene, "inbox", "new.source = 'metriport'", 4.0)
    await member.person.prove_identity(link["url"])
    await asyncio.sleep(2.0)
    kill(scene, "consumers")
    fast(scene)
    await scene.start("consumers")
    await asyncio.sleep(MARGIN)


async def killed_after_200(scene: Scene) -> None:
    """The ingress is killed right after it answered a webhook 200."""
    member = await (await scene.member("answered")).registered()
    link = await _verification(scene, member)
    before = scene.deployment.sandbox_log.read_text().count("answered 200")
    await member.person.prove_identity(link["url"])

    def is_answered() -> bool:
        return scene.deployment.sandbox_log.read_text().count("answered 200") > before

    await scene.until(is_answered, "the webhook is answered")
    kill(scene, "ingress")
    await scene.start("ingress")
    await asyncio.sleep(MARGIN)


async def lost_answer(scene: Scene) -> None:
    """The vendor accepts a query, the answer is lost, and no webhook ever proves it."""
    member = await (await scene.member("lost")).ready()
    await scene.vendor.fault("start-network-query", "drop-answer")
    await outcome(scene, "pharmacy", "stuck")
    await member.start_query(sources=PHARMACY)
    await asyncio.sleep(4.0)  # a repetition would come within two seconds


async def killed_in_call(scene: Scene) -> None:
    """The gateway is killed while it waits for the vendor, and the lease of its call runs out."""
    member = await (await scene.member("lease")).ready()
    await scene.vendor.fault("start-network-query", "delay-answer", seconds=5.0)
    await outcome(scene, "pharmacy", "stuck")
    await member.start_query(sources=PHARMACY)
    while not await scene.vendor.calls("start-network-query", member.patient_id):
        await asyncio.sleep(0.05)
    kill(scene, "gateway")
    scene.sql("update vendor_call set lease_until = now() where state = 'dispatching'")
    await scene.start("gateway")
    await asyncio.sleep(MARGIN)


async def slow_commit(scene: Scene) -> None:
    """Of two transactions that write events, the one that began first commits last."""
    member = await (await scene.member("slow")).registered()
    slow(scene, "outbox", "new.key like 'slow-%' and new.topic = 'ias.events.v1'", 4.2)
    await scene.vendor.fault("create-patient", "delay-answer", seconds=3.0)
    calls = len(await scene.vendor.calls("create-patient"))
    other = await scene.member("other")
    await other.send("RegisterPatient", purpose="ias", demographics=other.demographics)
    while len(await scene.vendor.calls("create-patient")) == calls:
        await asyncio.sleep(0.02)
    back = scene.application.return_url
    await member.send("StartIdentityVerification", patientId=member.patient_id, returnUrl=back)
    await asyncio.sleep(6.0)
    fast(scene)


async def rolled_back(scene: Scene) -> None:
    """A transaction that has numbered its events is broken off, and done again."""
    member = await (await scene.member("again")).registered()
    scene.sql("create sequence once_number")
    scene.sql(_ONCE)
    scene.sql(  # of this subject's own events: others, as a head of the audit's, come when they like
        "create trigger once after insert on outbox for each row"
        " when (new.key like 'again-%' and new.topic = 'ias.events.v1') execute function once()"
    )
    await _verification(scene, member)
    scene.sql("drop function once cascade")
    scene.sql("drop sequence once_number")


async def killed_relay(scene: Scene) -> None:
    """The consumers are killed while several events of a subject wait for a broker that is frozen."""
    member = await (await scene.member("relay")).ready()
    await scene.vendor.fault("start-network-query", "delay-answer", seconds=1.0)
    await outcome(scene, "pharmacy", "refused")
    command = await member.start_query(sources=PHARMACY)
    await member.told("NetworkQueryQueued", command)
    scene.deployment.broker.freeze()
    await asyncio.sleep(3.0)
    kill(scene, "consumers")
    scene.deployment.broker.thaw()
    await scene.start("consumers")
    await asyncio.sleep(MARGIN)
    await member.start_query(sources={})
    await asyncio.sleep(MARGIN)


SCENARIOS: Final = (
    Scenario("killed in handler", killed_in_handler),
    Scenario("killed after 200", killed_after_200),
    Scenario("lost answer", lost_answer),
    Scenario("killed in call", killed_in_call),
    Scenario("slow commit", slow_commit),
    Scenario("rolled back", rolled_back),
    Scenario("killed relay", killed_relay),
)
