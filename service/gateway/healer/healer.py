"""The healer's loop: every few seconds, in every replica, and one of them has the turn.

What follows from a look is written before the vendor is asked for a re-send. Who dies between the two
leaves a re-send that brought nothing; the next one comes after its pause.
"""

from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from http import HTTPStatus
from typing import Final, NamedTuple

import structlog

from schemas.events import DeliveriesHealed, DeliveryAlarm, DeliveryProblem
from schemas.metriport.api import DeliveryCounts
from service.gateway import protocol
from service.gateway.client import VendorClient
from service.gateway.healer.rule import SHORTEST, Counts, Knowledge, Now, Verdict, decide
from service.gateway.operations.common import read_answer
from service.gateway.outcome import Accepted, Outcome, Refused, Unknown
from service.gateway.pacing import Pace
from service.gateway.protocol import VendorRequest
from service.gateway.rounds import in_rounds
from service.ias.telling import OPERATORS, UNSEQUENCED
from service.settings.healing import Healing
from service.store import dispatch_stop, healer, outbox, quota
from service.store import pacing as slots
from service.store.pool import Database
from service.store.quota import NoQuotaError
from service.store.unit import Unit
from service.telemetry import metrics

PACE: Final = "webhook_settings"
PER_MINUTE: Final = 4
"""No limit is published for settings; a turn makes two calls at most."""

_PAUSE_SECONDS: Final = 2.0

log = structlog.get_logger()


class Turn(NamedTuple):
    """A look that is this replica's to make."""

    number: int
    known: Knowledge
    now: Now
    slot: slots.Held


class Healer:
    """One replica's healer."""

    def __init__(
        self,
        database: Database,
        client: VendorClient,
        how: Healing,
        timeout: timedelta,
        pace: Pace | None = None,
    ) -> None:
        self._database = database
        self._client = client
        self._how = how
        self._pace = pace or Pace()
        self._lease = 2 * timeout + self._pace.recording
        self._ingress_is_well: bool | None = None

    async def run(self) -> None:
        """Heal until cancelled; when it is turned off, only wait."""
        how = self._how
        await in_rounds(self.round, _PAUSE_SECONDS, name="healer", enabled=how.enabled)

    async def round(self) -> bool:
        """Look at the vendor's counts if that is due and every ingress is well; whether it was."""
        turn = None
        with suppress(
            NoQuotaError
        ):  # nobody waits for a look: it is made when the day has room again
            async with self._database.transaction() as unit:
                await slots.provide(unit, PACE, PER_MINUTE)
                turn = await self._take_turn(unit)
                _show(*await healer.standing(unit))
        if turn is None:
            return False
        outcome = await self._call("get_webhook_status", protocol.webhook_status(), turn.slot)
        verdict = _judge(turn, outcome)
        if verdict is None:
            async with self._database.transaction() as unit:
                await healer.try_again(unit, turn.number, SHORTEST)
            return True
        async with self._database.transaction() as unit:
            slot = await self._keep(unit, turn, verdict)
        if slot is not None:
            await self._ask(turn, slot)
        return True

    async def _take_turn(self, unit: Unit) -> Turn | None:
        well = await healer.well_since(unit)
        self._show_ingress(well=well is not None)
        if well is None or await dispatch_stop.is_stopped(unit):
            return None
        taken = await healer.take_turn(unit, self._lease, well)
        if taken is None:
            return None
        number, row = taken
        slot = await self._slot(unit)
        if slot is None:
            await healer.try_again(unit, number, timedelta(seconds=_PAUSE_SECONDS))
            return None
        await quota.count(unit, self._pace.of_day(person_waits=False))
        problem = None if row["problem"] is None else DeliveryProblem(row["problem"])
        known = Knowledge(**{**row, "problem": problem})
        return Turn(number, known, Now(unit.now, well, self._how.pause), slot)

    def _show_ingress(self, *, well: bool) -> None:
        """Without an ingress that is well nothing is healed: that must not stay unseen."""
        metrics.INGRESS_NOT_WELL.set(not well)
        if well is not self._ingress_is_well:
            log.warning("healer.ingress_changed", well=well)
        self._ingress_is_well = well

    async def _keep(self, unit: Unit, turn: Turn, verdict: Verdict) -> slots.Held | None:
        """Write what follows and tell it; the slot for the re-send, if one is to be asked for."""
        slot = None
        if verdict.resend:
            slot = await self._slot(unit)
            if slot is None:
                await healer.try_again(unit, turn.number, SHORTEST)
                return None
            await quota.count(unit)
        row = healer.Row(**asdict(verdict.knowledge))
        if not await healer.keep(unit, turn.number, row, verdict.wait):
            log.warning("healer.turn_lost")
            if slot is not None:
                await slots.release(unit, slot)
            return None
        await _tell(unit, verdict)
        metrics.RECOVERED.inc(verdict.recovered)
        return slot

    async def _ask(self, turn: Turn, slot: slots.Held) -> None:
        """Ask for the re-send. Unclear counts as asked: asking twice is harmless, twice a minute is not."""
        outcome = await self._call("resend_webhooks", protocol.resend_webhooks(), slot)
        metrics.RESENDS.inc()
        log.info("healer.resend_asked", outcome=type(outcome).__name__.lower())
        if not isinstance(outcome, Accepted | Unknown):
            async with self._database.transaction() as unit:
                await healer.not_asked(unit, turn.number, turn.known.resent_at)

    async def _call(self, name: str, request: VendorRequest, slot: slots.Held) -> Outcome:
        outcome = await self._client.call(name, request)
        async with self._database.transaction() as unit:
            await slots.give_back(unit, slot, self._pace.window)
        return outcome

    async def _slot(self, unit: Unit) -> slots.Held | None:
        return await slots.take(unit, PACE, PER_MINUTE, self._lease + self._pace.window)


def _judge(turn: Turn, outcome: Outcome) -> Verdict | None:
    """What follows from the answer; ``None`` when there was none."""
    match outcome:
        case Accepted():
            status = read_answer(outcome, DeliveryCounts)
            counts = None if status is None else _counts(status)
            return decide(turn.known, counts, turn.now)
        case Refused(_, HTTPStatus.NOT_FOUND):  # nothing is set up at the vendor (its code)
            return Verdict(knowledge=turn.known, wait=turn.now.pause)
        case _:
            return None


def _counts(status: DeliveryCounts) -> Counts:
    return Counts(status.webhook_requests_processing, status.webhook_requests_failed)


async def _tell(unit: Unit, verdict: Verdict) -> None:
    if verdict.alarm is not None:
        alarm = DeliveryAlarm(
            sequence=UNSEQUENCED,
            subject_id=OPERATORS,
            problem=verdict.alarm,
            failed=None
            if verdict.alarm is DeliveryProblem.COUNT_UNKNOWN
            else verdict.knowledge.residue,
        )
        await outbox.emit_without_subject(unit, alarm)
        log.error("healer.alarm", problem=verdict.alarm.value)
    if verdict.healed:
        healed = DeliveriesHealed(
            sequence=UNSEQUENCED, subject_id=OPERATORS, recovered=verdict.recovered
        )
        await outbox.emit_without_subject(unit, healed)
        log.info("healer.healed", recovered=verdict.recovered)


def _show(residue: int | None, problem: str | None) -> None:
    unknown = problem == DeliveryProblem.COUNT_UNKNOWN
    metrics.FAILED_DELIVERIES.set(-1 if unknown or residue is None else residue)
    for one in DeliveryProblem:
        metrics.DELIVERY_PROBLEM.labels(one.value).set(one.value == problem)
