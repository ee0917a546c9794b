"""Hands the evidence to the checker, and adds what only the harness knows: its own probes.

The checker is a package of its own; here is the one place that knows it. Everything leaves here on the
clock of the run: monotonic seconds.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tests.chaos.checker import Evidence, Finding, Kind, Verdict, check
from tests.chaos.checker.story import Story
from tests.chaos.evidence import collect
from tests.chaos.world import World

PROBES: Final = "I6 (probes)"
_INBOX: Final = "select encode(message_digest, 'hex') from inbox where source = 'metriport'"
_LAST_SECONDS: Final = 20.0
"""What was answered 200 right before the end is on its way to the inbox for a moment."""


@dataclass(frozen=True)
class Judgement:
    """``begun``: when each command was sent and each webhook tried for the first time."""

    verdicts: Sequence[Verdict] = ()
    begun: Sequence[float] = ()


async def judge(world: World) -> Judgement:
    """A verdict for each invariant, for record requests, and for the probes. Nothing is sent any more."""
    probes = await _probes(world)
    evidence = await collect(world.deployment, world.desk.sent, world.foreign)
    ahead = time.time() - time.monotonic()
    verdicts = [probes, *(_on_our_clock(one, ahead) for one in check(evidence))]
    return Judgement(verdicts, sorted(at - ahead for at in _begun(evidence)))


def _begun(evidence: Evidence) -> list[float]:
    story = Story(evidence)
    return [*story.sent_at.values(), *(webhook.at for webhook in story.webhooks)]


def _on_our_clock(verdict: Verdict, ahead: float) -> Verdict:
    broken = [
        one if one.began is None else one._replace(began=one.began - ahead)
        for one in verdict.broken
    ]
    return replace(verdict, broken=broken)


async def _probes(world: World) -> Verdict:
    """I6 for the probes: what was answered 200 is known to the inbox."""
    sent = {one.message_id: one.at for one in world.probe.promised()}
    digests = {hashlib.sha256(one.encode()).hexdigest(): one for one in sent}
    deployment, end = world.deployment, time.monotonic() + _LAST_SECONDS
    while True:
        rows = deployment.postgres.execute(_INBOX, database=deployment.database).split()
        lost = digests.keys() - set(rows)
        if not lost or time.monotonic() > end:
            break
        await asyncio.sleep(0.5)
    found = sorted(digests[one] for one in lost)
    broken = [
        Finding(f"{one} was answered 200 and is not known to the inbox", Kind.LOST, sent[one])
        for one in found
    ]
    return Verdict(PROBES, len(sent), broken)
