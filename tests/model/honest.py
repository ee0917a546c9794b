"""The next step of somebody who only wants their own records; without it, few would get anywhere."""

# ruff: noqa: FBT001 - the signature of every action

from . import acting
from .world import World


async def go_on(world: World, who: str, n: int, twice: bool) -> None:
    """Whatever comes next on the way to the record."""
    truth = world.truth
    if who not in truth.links:
        await acting.link(world, who, n % 4, twice)
    elif truth.links[who] != "ias":
        await acting.query(world, who, 3, twice)
        await world.dispatch("ok")
    elif truth.active(who) is None:
        await _be_proofed(world, who, twice)
    elif not truth.may_have_data(who):
        await _get_a_query_accepted(world, who, n, twice)
    elif n % 3 == 0:
        await acting.news(world, who, n, twice)
    elif world.vendor.running:
        await acting.deliver(world, who, 0, twice)
    else:
        await acting.ask_for_data(world, who, 0, twice)
        await world.dispatch("ok")


async def _be_proofed(world: World, who: str, twice: bool) -> None:
    mine = [one for one in world.truth.verifications.values() if one.owner == who]
    if mine and mine[-1].state in {"pending", "expired"}:
        await acting.prove(world, who, 0, twice)
    else:
        await acting.verify(world, who, 0, twice)


async def _get_a_query_accepted(world: World, who: str, n: int, twice: bool) -> None:
    truth, active = world.truth, world.truth.active(who)
    sessions = [
        one
        for one in truth.sessions.values()
        if (one.owner, one.proofed, one.is_dead) == (who, active, False)
    ]
    challenges = [one for one in truth.challenges.values() if one.owner == who]
    if sessions and sessions[-1].is_confirmed:
        await acting.query(world, who, 4 * (n % 3), twice)
        await world.dispatch("ok")
    elif sessions:
        truth_before = [one.code for one in truth.sessions.values() if one.owner == who]
        place = list(reversed(truth_before)).index(sessions[-1].code)
        await acting.confirm(world, who, 4 * place, twice)
    elif challenges and challenges[-1].state == "pending" and challenges[-1].proofed == active:
        await acting.come_back(world, who, 0, twice)
        if n % 2:  # a thief is faster than the owner
            await acting.confirm(world, world.other(who), 2, twice)
    else:
        await acting.challenge(world, who, 0, twice)
