"""``python -m tests.soak.slow_clients``: thousands that send next to nothing, beside one that is in earnest.

The real ingress on a real Postgres and the embedded broker. Nine in ten attackers send half a head and
fall silent, one in ten goes on by a byte now and then, half of those in a head and half in a body; all
come at once, in ``--rounds`` waves. Meanwhile a good client sends webhooks and pings, on a new connection each, to be
counted from the first attacker to the last one's end.
"""

import asyncio
import resource
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from tests.overload import keys
from tests.overload.bench import GoodClient, at, attacked
from tests.soak.campaign import arguments, told
from tests.soak.standing import Servers, Standing
from tests.stack.lifetime import Stack
from tests.stack.signals import Interrupted

DRIPPING: Final = 0.1
ATTACK_SECONDS = 60.0
"""Until then attackers hold on; who is not cut by then was not cut. The last ones get in late: a kernel
that has no place for a connection lets it try again after 1, 3, 7 and 15 seconds."""

GOOD_SECONDS = 8.0
PAUSE_SECONDS: Final = 2.0
CUT: Final = frozenset({"closed", "408"})
"""Cut in a head without a word, in a body with an answer. ``held`` is not cut, ``refused`` never got in."""

_OTHER_FILES: Final = 500


@dataclass
class Tally:
    """What became of the attackers, and how the good client fared."""

    ends: dict[str, int] = field(default_factory=dict)
    slowest: dict[str, float] = field(default_factory=dict)
    good: list[float] = field(default_factory=list)
    wrong: int = 0

    def add(self, attack: Mapping[str, Any]) -> None:
        """What one process of attackers told."""
        for how, many in attack["ends"].items():
            self.ends[how] = self.ends.get(how, 0) + many
            self.slowest[how] = max(self.slowest.get(how, 0.0), attack["slowest"][how])

    def hear(self, good: GoodClient) -> None:
        """How the good client was answered in one wave."""
        self.good += good.webhooks + good.pings
        self.wrong += len(good.wrong)

    @property
    def broken(self) -> int:
        """Attackers that were not cut, and answers to the good client that were not 200."""
        return self.wrong + sum(many for how, many in self.ends.items() if how not in CUT)

    def figures(self) -> dict[str, Any]:
        """For the last line."""
        return {
            "cut": sum(many for how, many in self.ends.items() if how in CUT),
            "not_cut": self.ends.get("held", 0),
            "never_in": self.ends.get("refused", 0),
            "cut_within_s": max(
                (took for how, took in self.slowest.items() if how != "refused"), default=0.0
            ),
            "good_answers": len(self.good),
            "good_wrong": self.wrong,
            "good_p50_ms": round(at(self.good, 0.5), 1),
            "good_p99_ms": round(at(self.good, 0.99), 1),
            "good_max_ms": round(at(self.good, 1.0), 1),
        }


def crowd(connections: int) -> dict[str, int]:
    """How many of each kind of ``tests.overload.attacker``."""
    dripping = int(connections * DRIPPING)
    heads = dripping // 2
    return {
        "stuck_head": connections - dripping,
        "half_head": heads,
        "drip": dripping - heads,
    }


async def wave(port: int, connections: int, tally: Tally) -> None:
    """All attackers at once, each kind in a process of its own, and the good client beside them."""
    good = GoodClient(f"http://127.0.0.1:{port}{keys.PATH}")
    async with AsyncExitStack() as stack:
        attacks = [
            await stack.enter_async_context(attacked(port, kind, many, ATTACK_SECONDS))
            for kind, many in crowd(connections).items()
        ]
        await good.run(GOOD_SECONDS)
    for attack in attacks:
        tally.add(attack)
    tally.hear(good)


async def waves(deployment: Standing, rounds: int, connections: int) -> tuple[int, dict[str, Any]]:
    """How much broke, and the figures."""
    tally, port, began = Tally(), deployment.settings.ingress_port, time.monotonic()
    await GoodClient(f"http://127.0.0.1:{port}{keys.PATH}").run(1.0)  # the first answers are slower
    for number in range(rounds):
        await wave(port, connections, tally)
        print(f"wave {number + 1}: {tally.ends} {tally.slowest}", flush=True)
        await asyncio.sleep(PAUSE_SECONDS)
    kinds = crowd(connections)
    return tally.broken, {
        "rounds": rounds,
        "half_open": kinds["stuck_head"],
        "dripping": kinds["half_head"] + kinds["drip"],
        **tally.figures(),
        **deployment.lag(began, time.monotonic()),
        "rss_mib": deployment.peak_mib("ingress"),
    }


def within_limits(connections: int) -> int:
    """As many as one process of attackers may have files."""
    most = int((resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _OTHER_FILES) / (1 - DRIPPING))
    if connections > most:
        print(f"only {most} connections: the limit of open files (ulimit -n)", flush=True)
    return min(connections, most)


def standing(stack: Stack, servers: Servers | None = None) -> Standing:
    """An ingress that knows the attackers' key."""
    more = {"METRIPORT_WEBHOOK_KEYS": keys.WEBHOOK_KEY}
    return Standing(stack, "slow_clients", ("ingress",), more=more, servers=servers)


def main() -> int:
    """The command; its exit code."""
    options = arguments("slow_clients", __doc__, rounds=5, connections=10_000)
    try:
        with Stack() as stack:
            deployment = standing(stack).start()
            connections = within_limits(options.connections)
            broken, figures = asyncio.run(waves(deployment, options.rounds, connections))
    except Interrupted as error:
        return error.exit_code
    if not broken:
        deployment.remove_logs()
    return told("slow_clients", options.seed, broken, figures)


if __name__ == "__main__":
    sys.exit(main())
