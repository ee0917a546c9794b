"""Hands the evidence to the checker, and adds what only the harness knows: its own probes.

The checker is a package of its own; here is the one place that knows it.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.chaos.checker import check
from tests.chaos.evidence import collect
from tests.chaos.world import World

_LOST: Final = frozenset({"I4", "I6"})
_TWICE: Final = frozenset({"I1", "I5"})
_INBOX: Final = "select encode(message_digest, 'hex') from inbox where source = 'metriport'"


@dataclass(frozen=True)
class OwnVerdict:
    """As the checker's: how many cases were looked at, and what was wrong."""

    invariant: str
    checked: int
    broken: list[str]


async def judge(world: World) -> list[Any]:
    """A verdict for each invariant, and for the probes."""
    return [_probes(world), *await _checked(world)]


def sums(verdicts: Sequence[Any]) -> Counter[str]:
    """Broken cases as ``lost``, ``wrong`` and ``duplicate_effects``."""
    found: Counter[str] = Counter()
    for verdict in verdicts:
        name = str(verdict.invariant)[:2]
        kind = "wrong"
        if name in _LOST:
            kind = "lost"
        elif name in _TWICE:
            kind = "duplicate_effects"
        found[kind] += len(verdict.broken)
    return found


async def _checked(world: World) -> list[Any]:
    return list(check(await collect(world.deployment, world.desk.sent)))


def _probes(world: World) -> OwnVerdict:
    """I6 for the probes: what was answered 200 is known to the inbox."""
    deployment = world.deployment
    known = set(deployment.postgres.execute(_INBOX, database=deployment.database).split())
    promised = world.probe.promised()
    lost = [one for one in promised if hashlib.sha256(one.encode()).hexdigest() not in known]
    return OwnVerdict("I6 (probes)", len(promised), sorted(lost))
