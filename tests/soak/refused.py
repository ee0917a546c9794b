"""``python -m tests.soak.refused``: webhooks that an outage refused all come right without a human.

The vendor's double, in this process, sends ``--cases`` webhooks to an ingress that is not there, and marks each as
failed. Then the ingress comes back, and only the gateway's healer is at work: it has to ask for a re-send
once the ingress is well, and the double sends all failures again as the vendor does, one at a time with pauses (its
longest is ``--pause_ms``; the vendor's is 200). In the end none is left at the vendor, and each is in the inbox.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from tests.local.settings import API_KEY, FACILITY_ID, LocalSettings
from tests.metriport_sandbox.app import create_sandbox
from tests.metriport_sandbox.config import SandboxConfig
from tests.metriport_sandbox.kernel import Sandbox
from tests.soak.campaign import arguments, told
from tests.soak.standing import Servers, Standing
from tests.soak.storm_judge import inbox_row
from tests.stack.lifetime import Stack
from tests.stack.signals import Interrupted

AT_ONCE: Final = 200
"""Webhooks under way at once while the ingress is away: the vendor sends them as they happen."""

_RETRY: Final = "retry-webhooks"
_LOOK_SECONDS: Final = 0.1
_TELL_SECONDS: Final = 30.0
ASKED_WITHIN: Final = 180.0
_TAKEN_WITHIN: Final = 60.0
_ROOM: Final = 300.0
"""More than the re-send itself takes: for a second one of what the first did not bring."""

INBOX: Final = "select source || ' ' || encode(message_digest, 'hex') from inbox"


@asynccontextmanager
async def vendor(settings: LocalSettings, pause: float, seed: int) -> AsyncIterator[Sandbox]:
    """The double, where the deployment looks for the vendor."""
    config = SandboxConfig(
        api_key=API_KEY,
        facility_ids=(FACILITY_ID,),
        webhook_url=f"{settings.public_url}/webhooks/metriport",
        webhook_key=settings.webhook_key,
        allow_loopback=True,
        retry_pause_seconds=pause,
        seed=seed,
    )
    sandbox = create_sandbox(config)
    runner = web.AppRunner(sandbox.app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", settings.sandbox_port).start()
        yield sandbox
    finally:
        await runner.cleanup()


async def refuse(sandbox: Sandbox, cases: int) -> int:
    """Send so many webhooks that this service only passes on; how many failed."""
    for first in range(0, cases, AT_ONCE):
        for number in range(first, min(first + AT_ONCE, cases)):
            patient = f"patient-of-the-outage-{number}"
            payload = {"patientId": patient, "admitTimestamp": "2026-06-03T09:55:00.000Z"}
            fields = {"payload": payload}
            sandbox.sender.emit("patient.admit", fields, request_id=None, metadata=None)
        while sandbox.sender.counts()[0]:
            await asyncio.sleep(0.01)
    return sandbox.sender.counts()[1]


async def until_well(sandbox: Sandbox, within: float) -> dict[str, Any]:
    """Wait for the re-send, and until all of it is taken; after how long each was, if it was."""
    began = time.monotonic()
    asked = await _when(lambda: _asked(sandbox) > 0, sandbox, began, ASKED_WITHIN)
    well = None
    if asked is not None:
        well = await _when(lambda: sum(sandbox.sender.counts()) == 0, sandbox, began, within)
    return {"retry_requested_after_s": asked, "all_well_after_s": well}


async def _when(
    there: Callable[[], bool], sandbox: Sandbox, began: float, within: float
) -> float | None:
    """Seconds since ``began`` until it is there; none when it does not come in time."""
    telling = time.monotonic()
    while not there():
        now = time.monotonic()
        if now - began > within:
            return None
        if now - telling > _TELL_SECONDS:
            telling = now
            sending, failed = sandbox.sender.counts()
            print(f"{now - began:.0f} s: {sending} being sent, {failed} failed", flush=True)
        await asyncio.sleep(_LOOK_SECONDS)
    return round(time.monotonic() - began, 1)


def _asked(sandbox: Sandbox) -> int:
    return sum(call.operation == _RETRY for call in sandbox.ledger.calls)


def missing(sent: Collection[str], inbox: Sequence[str]) -> int:
    """Ids that the inbox does not have exactly once."""
    rows = Counter(inbox)
    named = [inbox_row(message_id) for message_id in sent]
    return sum(rows[f"{source} {digest.hex()}"] != 1 for source, digest in named)


async def _missing(deployment: Standing, sent: Collection[str]) -> int:
    """The same, once the consumers had their time."""
    ends = time.monotonic() + _TAKEN_WITHIN
    while True:
        told = await asyncio.to_thread(
            deployment.postgres.execute, INBOX, database=deployment.database
        )
        left = missing(sent, told.splitlines())
        if not left or time.monotonic() > ends:
            return left
        await asyncio.sleep(1.0)


async def outage(
    deployment: Standing, cases: int, pause: float, seed: int
) -> tuple[int, dict[str, Any]]:
    """How much broke, and the figures."""
    async with vendor(deployment.settings, pause, seed) as sandbox:
        figures = await _refused(deployment, sandbox, cases)
        within = ASKED_WITHIN + cases * (pause + 0.05) + _ROOM
        figures |= await until_well(sandbox, within)
        figures["retries_requested"] = _asked(sandbox)
        figures["left"] = sum(sandbox.sender.counts())
        sent = [row.message_id for row in sandbox.sender.rows]
        figures["missing"] = await _missing(deployment, sent)
    return broken_in(figures, cases), figures


def broken_in(figures: Mapping[str, Any], cases: int) -> int:
    """Webhooks that the outage did not refuse, that are left, that took no effect."""
    return int(cases - figures["refused"] + figures["left"] + figures["missing"])


async def _refused(deployment: Standing, sandbox: Sandbox, cases: int) -> dict[str, Any]:
    """The outage, from the ingress's end until it is ready again."""
    deployment.processes["ingress"].kill()
    began = time.monotonic()
    refused = await refuse(sandbox, cases)
    away = round(time.monotonic() - began, 1)
    print(f"{refused} of {cases} refused in {away} s; the ingress comes back", flush=True)
    deployment.start_role("ingress")
    await asyncio.to_thread(deployment.wait_ready, "ingress")
    return {"refused": refused, "outage_s": away}


def standing(stack: Stack, servers: Servers | None = None) -> Standing:
    """All roles, the healer turned on; its usual pause is longer than the run, so it must not wait for it."""
    roles = ("ingress", "consumers", "gateway")
    return Standing(stack, "refused", roles, more={"DELIVERY_HEALER": "true"}, servers=servers)


def main() -> int:
    """The command; its exit code."""
    options = arguments("refused", __doc__, cases=10_000, pause_ms=50)
    try:
        with Stack() as stack:
            deployment = standing(stack).start()
            pause = options.pause_ms / 1e3
            broken, figures = asyncio.run(outage(deployment, options.cases, pause, options.seed))
    except Interrupted as error:
        return error.exit_code
    if not broken:
        deployment.remove_logs()
    return told("refused", options.seed, broken, figures)


if __name__ == "__main__":
    sys.exit(main())
