"""A small deployment of its own for one run: the product as it is, or a copy with one bug."""

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.chaos.checker import Verdict, check
from tests.chaos.checker.facts import Fields
from tests.chaos.evidence import collect
from tests.chaos.planted.patching import Edit, apply, copy_product
from tests.local.deployment import Deployment
from tests.processes.scene import Scene, open_scene
from tests.stack.broker import Broker
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres

Servers = tuple[EmbeddedPostgres, Broker]
REST_SECONDS: Final = 8.0
_QUIET: Final = """
select (select count(*) from outbox) + (select count(*) from spool)
    + (select count(*) from vendor_call where state in ('due', 'dispatching')
        and operation not in ('get_network_query', 'get_consolidated_query'))
"""
_WIDE: Final = {
    "DELIVERY_HEALER": "false",
    "PACING_PATIENT_WRITES": "1000",
    "PACING_NETWORK_QUERIES": "1000",
    "PACING_NETWORK_QUERIES_PER_SOURCE": "1000",
}
_OPTIONS: Final = [
    *("--step-seconds", "0.1", "--patient-limit", "1000"),
    *("--limit", "write-patient=1000", "--limit", "start-network-query=1000"),
    *("--limit", "network-query-pharmacy=1000"),
]
_INBOX: Final = "select count(*) from inbox where source = 'metriport'"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Scenario:
    """What happens in a run, step by step; ``play`` drives people, faults and kills.

    ``waits``: a call is left waiting at the end on purpose, so that nobody waits for it.
    """

    name: str
    play: Callable[[Scene], Awaitable[None]]
    settings: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False


@contextmanager
def deployed(
    servers: Servers, settings: Mapping[str, str], edits: Sequence[Edit] = ()
) -> Iterator[Deployment]:
    """A deployment of the product with these edits, for the life of the context.

    Its limits are wide, unless the settings say otherwise: tests do not wait for a minute to pass.
    """
    with ExitStack() as cleaning, Stack() as stack:
        deployment = Deployment(
            stack,
            return_port=free_port(),
            servers=servers,
            name=f"planted{os.getpid()}n{next(_numbers)}",
            more={**_WIDE, **settings},
            sandbox_options=_OPTIONS,
        )
        if edits:
            folder = Path(cleaning.enter_context(TemporaryDirectory(prefix="planted-")))
            copy_product(folder)
            apply(edits, folder)
            deployment.root = folder
        yield deployment.start()
    deployment.remove_logs()
    servers[0].drop_database(deployment.database)


def judge(scenario: Scenario, deployment: Deployment, sent: list[Fields]) -> list[Verdict]:
    """Play the scenario; what the checker says of all that happened to the deployment so far.

    ``sent``: the commands of the scenarios before, to which those of this one are added.
    """
    return asyncio.run(_run(scenario, deployment, sent))


async def _run(scenario: Scenario, deployment: Deployment, sent: list[Fields]) -> list[Verdict]:
    def note(kind: str, content: dict[str, Any]) -> None:
        ids = {"commandId": content["commandId"], "subjectId": content["subjectId"]}
        sent.append({"type": kind, **ids, "at": time.time(), "content": content})

    async with open_scene(deployment) as scene:
        scene.application.on_sent = note
        await scenario.play(scene)
        if not scenario.waits:
            await rest(scene)
        return check(await collect(deployment, sent))


async def rest(scene: Scene) -> None:
    """Wait until nothing is on its way; not for ever, because a bug may be what keeps it there."""
    end, quiet = time.monotonic() + REST_SECONDS, 0
    while quiet < 2 and time.monotonic() < end:
        await asyncio.sleep(0.3)
        acked = await _acked(scene)
        is_quiet = int(scene.sql(_QUIET)) == 0 and int(scene.sql(_INBOX)) >= acked
        quiet = quiet + 1 if is_quiet else 0


async def _acked(scene: Scene) -> int:
    """How many messages of the vendor's were answered 200 so far."""
    async with scene.vendor.http.get(f"{scene.vendor.url}/_sandbox/webhooks") as answer:
        deliveries = (await answer.json())["deliveries"]
    return len({one["message_id"] for one in deliveries if one["status"] == 200})
