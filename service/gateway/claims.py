"""Claims a call that is due: everything that must hold before it is made, in one transaction.

Under its subject's row lock the call is locked, draws a slot of each of its pools, is prepared (everything
is checked again), becomes the trial of its class where that is half open, is marked as sent, and is counted
for the day and for the database (``service.gateway.failover``). If a slot, the trial or the quota is not to be had, the transaction is rolled back: nothing has
changed, and the call keeps its place.
"""

import time
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

import structlog

from schemas.cloudevents import trace_id
from service.gateway.call_classes import circuit_of
from service.gateway.circuit import circuits
from service.gateway.circuit.circuits import TrialTakenError
from service.gateway.circuit.rule import Permission
from service.gateway.failover.lineage import Lineage, WentBackError
from service.gateway.handlers import HANDLERS
from service.gateway.operations.common import Surroundings, Void, Wait
from service.gateway.pacing import Pace, person_waits
from service.gateway.protocol import VendorRequest
from service.store import calls, quota, subjects
from service.store import pacing as slots
from service.store.calls import Call, CallState
from service.store.pacing import NoSlotError
from service.store.pool import Database
from service.store.quota import NoQuotaError
from service.store.unit import Unit
from service.telemetry import metrics

log = structlog.get_logger()


class Claim(NamedTuple):
    """A call whose intent is committed."""

    call: Call
    request: VendorRequest
    slots: tuple[slots.Held, ...]
    began: float
    """Monotonic seconds, from before the intent was marked."""


class Limit(StrEnum):
    """What keeps back a call that is due; the word is also the label of metrics."""

    PACE = "pace"
    QUOTA = "quota"
    CIRCUIT = "circuit"


class HeldBack(NamedTuple):
    """The call must wait, and those of its kind behind it. ``pool``: the one that has no slot left."""

    limit: Limit
    pool: str | None = None


class Claimer:
    """Claims calls within the limits of ``pace``."""

    def __init__(
        self,
        database: Database,
        around: Surroundings,
        pace: Pace,
        lease: timedelta,
        lineage: Lineage,
    ) -> None:
        self._database = database
        self._around = around
        self._pace = pace
        self._lineage = lineage
        self._pools = pace.pools()
        self._lease = lease

    async def provide_slots(self) -> None:
        """Make sure that there are as many pacing slots as this deployment may use."""
        async with self._database.transaction() as unit:
            for pool, number in self._pools.items():
                await slots.provide(unit, pool, number)
        metrics.QUOTA_OF_DAY.set(self._pace.of_day(person_waits=True))

    async def until_free(self, pool: str) -> timedelta:
        """How long until the pool has a slot."""
        async with self._database.transaction() as unit:
            return await slots.next_usable(unit, pool, self._pools[pool])

    async def claim(self, candidate: Call, allowed: Permission) -> Claim | HeldBack | None:
        """The call, to be made now; ``None`` when it is not due any more or must not be made."""
        try:
            return await self._claim(candidate, allowed)
        except NoSlotError as error:
            return HeldBack(Limit.PACE, error.pool)
        except NoQuotaError:
            return HeldBack(Limit.QUOTA)
        except TrialTakenError:
            return HeldBack(Limit.CIRCUIT)
        except WentBackError:  # the next round looks at the database, and stops
            return None

    async def _claim(self, candidate: Call, allowed: Permission) -> Claim | None:
        began = time.monotonic()
        claim, beat = None, None
        async with self._database.transaction(candidate.traceparent) as unit:
            await subjects.lock(unit, candidate.subject_id)
            call = await calls.lock_due(unit, candidate.call_id)
            if call is None:
                return None
            drawn = await self._draw_slots(unit, call)
            prepared = await HANDLERS[call.operation].prepare(unit, self._around, call)
            if isinstance(prepared, VendorRequest):
                marked = await self._mark(unit, call, allowed)
                claim = Claim(marked, prepared, drawn, began)
                beat = await self._lineage.mark(unit)
            else:
                for slot in drawn:
                    await slots.release(unit, slot)
                await _put_off(unit, call, prepared)
        self._lineage.remember(beat)
        return claim

    async def _draw_slots(self, unit: Unit, call: Call) -> tuple[slots.Held, ...]:
        wanted = await HANDLERS[call.operation].pools(unit, call)
        return await slots.take_all(unit, wanted, self._pools, self._lease + self._pace.window)

    async def _mark(self, unit: Unit, call: Call, allowed: Permission) -> Call:
        """From the commit on it counts as sent. The day is counted last: its lock is everybody's."""
        if allowed is Permission.TRY_ONE:
            await circuits.take_trial(unit, circuit_of(call.operation), self._lease)
        marked = await calls.mark_intent(unit, call, self._lease)
        most = self._pace.of_day(person_waits=person_waits(call))
        metrics.CALLS_OF_DAY.set(await quota.count(unit, most))
        return marked


def names_of(call: Call) -> dict[str, str | None]:
    """What log lines about the call say of it: its id, and the W3C trace that it belongs to."""
    return {"call": str(call.call_id), "flow": trace_id(call.traceparent)}


async def _put_off(unit: Unit, call: Call, prepared: Wait | Void) -> None:
    match prepared:
        case Wait(delay):
            await calls.postpone(unit, call, "waiting", delay)
        case Void(why):
            await calls.finish(unit, call, CallState.DONE, "void")
            log.info("gateway.call_void", operation=call.operation, why=why)
