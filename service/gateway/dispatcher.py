"""Claims due calls, marks the intent, commits, calls, records. Any number of replicas.

A call is claimed under its subject's row lock. Once the intent is committed the call counts as sent
until its outcome is recorded: an attempt that never reports back ends, after its lease, as *unknown*
and never as due again, except where the vendor lets a call be repeated.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from typing import Final, NamedTuple

import structlog

from service.crypto.keys import MissingKeyError
from service.gateway import key, pacing
from service.gateway.client import VendorClient
from service.gateway.operations import (
    consolidated_query,
    hosted_page,
    network_query,
    register_patient,
)
from service.gateway.operations.common import Handler, Surroundings, Void, Wait
from service.gateway.outcome import CredentialDoubt, KeyRefused, NotSent, Outcome, Unknown
from service.gateway.protocol import VendorRequest
from service.gateway.watch import consolidated_query as watch_consolidated
from service.gateway.watch import network_query as watch_network
from service.store import calls, subjects
from service.store import pacing as slots
from service.store.calls import Call, CallState, Operation
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit

HANDLERS: Final[Mapping[Operation, Handler]] = {
    Operation.CREATE_PATIENT: register_patient.HANDLER,
    Operation.GET_PATIENT: register_patient.HANDLER,
    Operation.CREATE_IDENTITY_SESSION: hosted_page.HANDLER,
    Operation.CREATE_AAL2_CHALLENGE: hosted_page.HANDLER,
    Operation.START_NETWORK_QUERY: network_query.HANDLER,
    Operation.START_CONSOLIDATED_QUERY: consolidated_query.HANDLER,
    Operation.GET_NETWORK_QUERY: watch_network.HANDLER,
    Operation.GET_CONSOLIDATED_QUERY: watch_consolidated.HANDLER,
}

_IDLE_SECONDS: Final = 0.5
_FAULT_SECONDS: Final = 1.0
_BATCH: Final = 32
_DEFECT_PAUSE: Final = timedelta(seconds=60)
_IN_FLIGHT: Final = 8
_RECORDING: Final = timedelta(seconds=60)
_STALLED_SECONDS: Final = 20.0
"""A process that was stopped for so long since it claimed a call makes it no more: soon its lease and its slot
are another's."""


log = structlog.get_logger()


class Claim(NamedTuple):
    """A call whose intent is committed."""

    call: Call
    request: VendorRequest
    slot: slots.Held
    began: float
    """Monotonic seconds, from before the intent was marked."""


class Exhausted(Enum):
    """Why nothing of a kind can be claimed right now."""

    PACE = "every slot is in use"


class Dispatcher:
    """One replica's dispatcher."""

    def __init__(
        self,
        database: Database,
        client: VendorClient,
        around: Surroundings,
        *,
        share: int,
        timeout: timedelta,
    ) -> None:
        self._database = database
        self._client = client
        self._around = around
        self._share = share
        self._lease = timeout + _RECORDING
        self._room = asyncio.Semaphore(_IN_FLIGHT)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, wake: asyncio.Event) -> None:
        """Dispatch until cancelled; ``wake`` is set when new calls were scheduled."""
        while True:
            try:
                busy = await self.round()
            except TRANSIENT as error:
                log.warning("gateway.database_away", exc_info=error)
                await asyncio.sleep(_FAULT_SECONDS)
                continue
            if not busy:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), _IDLE_SECONDS)
                wake.clear()

    async def drain(self, seconds: float) -> None:
        """Let calls under way finish and be recorded."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def provide_slots(self) -> None:
        """Make sure that pacing slots exist for every operation."""
        async with self._database.transaction() as unit:
            for operation in Operation:
                await slots.provide(unit, operation, pacing.PER_MINUTE[operation])

    async def round(self) -> bool:
        """Settle expired leases and claim what is due; whether anything was done."""
        settled = await self._settle_expired()
        if not await key.may_call(self._database, self._client):
            return bool(settled)
        claimed = [await self._claim_all(operation) for operation in Operation]
        return bool(sum(claimed) or settled)

    async def _claim_all(self, operation: Operation) -> int:
        """Claim due calls of one kind while there is room and pace for them."""
        async with self._database.transaction() as unit:
            due = await calls.next_due(unit, operation, _BATCH)
        claimed = 0
        for candidate in due:
            await self._room.acquire()
            claim = None
            try:
                claim = await self._claim_or_none(candidate)
            finally:
                if not isinstance(claim, Claim):
                    self._room.release()
            if isinstance(claim, Claim):
                self._spawn(claim)
                claimed += 1
            elif claim is Exhausted.PACE:
                break
        return claimed

    async def _claim_or_none(self, candidate: Call) -> "Claim | Exhausted | None":
        """What is wrong with one call must not stop dispatch for others: it waits, operators see it.

        So does a call of a subject whose data key is wrapped by a key that is not deployed here yet.
        """
        try:
            return await self._claim(candidate)
        except Exception as error:
            if isinstance(error, TRANSIENT) and not isinstance(error, MissingKeyError):
                raise
            log.exception(
                "gateway.call_not_prepared", exc_info=error, operation=candidate.operation
            )
            async with self._database.transaction() as unit:
                if await calls.lock_due(unit, candidate.call_id) is not None:
                    await calls.postpone(unit, candidate, "defect", _DEFECT_PAUSE)
            return None

    def _spawn(self, claim: Claim) -> None:
        task = asyncio.create_task(self._perform(claim), name=f"call-{claim.call.operation}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._room.release())

    async def _claim(self, candidate: Call) -> "Claim | Exhausted | None":
        """Check again, take a slot, mark the intent: one transaction."""
        operation, began = candidate.operation, time.monotonic()
        async with self._database.transaction(candidate.traceparent) as unit:
            await subjects.lock(unit, candidate.subject_id)
            call = await calls.lock_due(unit, candidate.call_id)
            if call is None:
                return None
            mine = pacing.slots(operation, self._share)
            slot = await slots.take(unit, operation, mine, self._lease)
            if slot is None:
                return Exhausted.PACE
            prepared = await HANDLERS[operation].prepare(unit, self._around, call)
            if isinstance(prepared, VendorRequest):
                marked = await calls.mark_intent(unit, call, self._lease)
                return Claim(marked, prepared, slot, began)
            await slots.release(unit, slot)
            match prepared:
                case Wait(delay):
                    await calls.postpone(unit, call, "waiting", delay)
                case Void(why):
                    await calls.finish(unit, call, CallState.DONE, "void")
                    log.info("gateway.call_void", operation=operation, why=why)
            return None

    async def _perform(self, claim: Claim) -> None:
        """Call and record. A crash anywhere in here leaves a lease that runs out."""
        operation = claim.call.operation
        if time.monotonic() - claim.began > _STALLED_SECONDS:
            outcome: Outcome = NotSent()
        else:
            outcome = await self._client.call(operation, claim.request)
        if isinstance(outcome, CredentialDoubt):
            outcome = await key.settle(self._client, outcome)
        while not await self._record(claim, outcome):  # noqa: ASYNC110 - waits for a database
            await asyncio.sleep(_FAULT_SECONDS)

    async def _record(self, claim: Claim, outcome: Outcome) -> bool:
        """Write the outcome; whether it is written or nobody's business any more."""
        try:
            async with self._database.transaction(claim.call.traceparent) as unit:
                await slots.give_back(unit, claim.slot)
                await self._apply(unit, claim.call, outcome)
        except TRANSIENT as error:
            log.warning("gateway.outcome_not_recorded_yet", exc_info=error)
            return False
        return True

    async def _apply(self, unit: Unit, call: Call, outcome: Outcome) -> None:
        await subjects.lock(unit, call.subject_id)
        if await calls.lock_mine(unit, call) is None:
            log.warning("gateway.lease_lost", operation=call.operation, call_id=str(call.call_id))
            return
        if isinstance(outcome, KeyRefused):
            await key.stop(unit)
        await HANDLERS[call.operation].record(unit, self._around, call, outcome)

    async def _settle_expired(self) -> int:
        """Attempts that never reported back have an unknown outcome; how many were settled."""
        async with self._database.transaction() as unit:
            lost = await calls.expired(unit, _BATCH)
        settled = 0
        for call in lost:
            try:
                async with self._database.transaction(call.traceparent) as unit:
                    await self._apply(unit, call, Unknown())
            except Exception as error:
                if isinstance(error, TRANSIENT) and not isinstance(error, MissingKeyError):
                    raise
                log.exception("gateway.lease_not_settled", exc_info=error, operation=call.operation)
            else:
                settled += 1
        return settled
