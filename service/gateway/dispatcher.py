"""Claims due calls, calls, records. Any number of replicas.

What a claim is stands in ``service.gateway.claims``. Once its intent is committed a call counts as sent
until its outcome is recorded: an attempt that never reports back ends, after its lease, as *unknown*
and never as due again, except where the vendor lets a call be repeated.
"""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from service.crypto.keys import MissingKeyError
from service.gateway import key
from service.gateway.call_classes import circuit_of
from service.gateway.circuit import circuits
from service.gateway.circuit.rule import Permission
from service.gateway.claims import Claim, Claimer, HeldBack, names_of
from service.gateway.client import VendorClient
from service.gateway.failover.lineage import Lineage
from service.gateway.handlers import HANDLERS
from service.gateway.operations.common import Surroundings
from service.gateway.outcome import (
    CredentialDoubt,
    KeyRefused,
    NotSent,
    Outcome,
    Unknown,
    settle_doubt,
)
from service.gateway.pacing import Pace
from service.settings.failover import Failover
from service.store import calls, subjects
from service.store import pacing as slots
from service.store.calls import Call, Operation
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit
from service.telemetry import metrics, traces
from service.telemetry.traces import Kind

_IDLE_SECONDS: Final = 0.5
_SHORTEST_SECONDS: Final = 0.005
_FAULT_SECONDS: Final = 1.0
_BATCH: Final = 32
_DEFECT_PAUSE: Final = timedelta(seconds=60)
_IN_FLIGHT: Final = 8


log = structlog.get_logger()


class Dispatcher:
    """One replica's dispatcher."""

    def __init__(
        self,
        database: Database,
        client: VendorClient,
        around: Surroundings,
        *,
        timeout: timedelta,
        pace: Pace | None = None,
        failover: Failover | None = None,
    ) -> None:
        self._database = database
        self._client = client
        self._around = around
        self._pace = pace or Pace()
        self._lineage = Lineage(database, failover or Failover())
        lease = timeout + self._pace.recording
        self._claimer = Claimer(database, around, self._pace, lease, self._lineage)
        self._room = asyncio.Semaphore(_IN_FLIGHT)
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty: set[str] = set()
        """Pools that had no slot left in the last round."""

    async def run(self, wake: asyncio.Event) -> None:
        """Dispatch until cancelled; ``wake`` is set when new calls were scheduled."""
        while True:
            try:
                busy = await self.round()
                idle = 0.0 if busy else await self._idle()
            except TRANSIENT as error:
                log.warning("gateway.database_away", exc_info=error)
                await asyncio.sleep(_FAULT_SECONDS)
                continue
            if not busy:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), idle)
                wake.clear()

    async def _idle(self) -> float:
        """Seconds to wait for something to do: not longer than until a slot is free that was wanted."""
        free = [(await self._claimer.until_free(pool)).total_seconds() for pool in self._empty]
        return min([_IDLE_SECONDS, *(max(seconds, _SHORTEST_SECONDS) for seconds in free)])

    async def drain(self, seconds: float) -> None:
        """Let calls under way finish and be recorded."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def provide_slots(self) -> None:
        """Make sure that there are as many pacing slots as this deployment may use."""
        await self._claimer.provide_slots()

    async def round(self) -> bool:
        """Settle expired leases and claim what is due; whether anything was done."""
        self._empty.clear()
        settled = await self._settle_expired()
        known = await self._lineage.may_go_on()
        if not await key.may_call(self._database, self._client) or not known:
            return bool(settled)
        allowed = await circuits.permissions(self._database, self._client)
        claimed = [await self._claim_all(one, allowed[circuit_of(one)]) for one in Operation]
        return bool(sum(claimed) or settled)

    async def _claim_all(self, operation: Operation, allowed: Permission) -> int:
        """Claim due calls of one kind while there is room and pace for them."""
        if allowed not in {Permission.CALL, Permission.TRY_ONE}:
            return 0
        async with self._database.transaction() as unit:
            due = await calls.next_due(unit, operation, _BATCH)
        claimed = 0
        for candidate in due:
            claim = await self._claim_if_room(candidate, allowed)
            if isinstance(claim, HeldBack):
                metrics.HELD_BACK.labels(operation, claim.limit).inc()
                self._empty |= {claim.pool} if claim.pool else set()
                break
            claimed += claim is not None
        return claimed

    async def _claim_if_room(self, candidate: Call, allowed: Permission) -> Claim | HeldBack | None:
        """Wait for a place among the calls in flight, claim, and let the call be made."""
        await self._room.acquire()
        claim = None
        try:
            claim = await self._claim_or_none(candidate, allowed)
        finally:
            if not isinstance(claim, Claim):
                self._room.release()
        if isinstance(claim, Claim):
            self._spawn(claim)
        return claim

    async def _claim_or_none(self, candidate: Call, allowed: Permission) -> Claim | HeldBack | None:
        """What is wrong with one call must not stop dispatch for others: it waits, operators see it.

        So does a call of a subject whose data key is wrapped by a key that is not deployed here yet.
        """
        try:
            return await self._claimer.claim(candidate, allowed)
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

    async def _perform(self, claim: Claim) -> None:
        """Call and record. A crash anywhere in here leaves a lease that runs out."""
        structlog.contextvars.bind_contextvars(**names_of(claim.call))
        named = {"operation": claim.call.operation.value, "attempts": claim.call.attempts}
        with traces.span("make call", Kind.INTERNAL, claim.call.traceparent, **named):
            await self._make(claim)

    async def _make(self, claim: Claim) -> None:
        was_stalled = time.monotonic() - claim.began > self._pace.stalled.total_seconds()
        outcome: Outcome = NotSent()
        if not was_stalled:
            outcome = await self._client.call(claim.call.operation, claim.request)
        if isinstance(outcome, CredentialDoubt):
            outcome = await self._settle_doubt(outcome)
        while not await self._record(claim, outcome, was_made=not was_stalled):  # noqa: ASYNC110 - waits for a database
            await asyncio.sleep(_FAULT_SECONDS)

    async def _settle_doubt(self, doubt: CredentialDoubt) -> Outcome:
        try:
            return await key.settle(self._database, self._client, doubt)
        except TRANSIENT as error:  # probes are counted, and the count is in the database
            log.warning("gateway.probe_not_counted", exc_info=error)
            return settle_doubt(doubt, Unknown())

    async def _record(self, claim: Claim, outcome: Outcome, *, was_made: bool) -> bool:
        """Write the outcome; whether it is written or nobody's business any more."""
        call = claim.call
        try:
            async with self._database.transaction(call.traceparent) as unit:
                for slot in claim.slots:
                    await slots.give_back(unit, slot, self._pace.window)
                await self._apply(unit, call, outcome)
                if was_made:
                    await circuits.note(unit, circuit_of(call.operation), call.call_id, outcome)
        except TRANSIENT as error:
            log.warning("gateway.outcome_not_recorded_yet", exc_info=error)
            return False
        return True

    async def _apply(self, unit: Unit, call: Call, outcome: Outcome) -> None:
        await subjects.lock(unit, call.subject_id)
        if await calls.lock_mine(unit, call) is None:
            log.warning("gateway.lease_lost", operation=call.operation)
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
                with structlog.contextvars.bound_contextvars(**names_of(call)):
                    async with self._database.transaction(call.traceparent) as unit:
                        await self._apply(unit, call, Unknown())
            except Exception as error:
                if isinstance(error, TRANSIENT) and not isinstance(error, MissingKeyError):
                    raise
                log.exception("gateway.lease_not_settled", exc_info=error, operation=call.operation)
            else:
                settled += 1
        return settled
