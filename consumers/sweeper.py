"""Ends what is over, with its event, once: in any number of replicas, each on its own.

Candidates are read without a lock. Each is then ended in a transaction of its own: its subject is
locked first (as everywhere), skipped when somebody else has it, and the thing is looked at again. So
whoever comes second finds it ended; and against a webhook, a return or a confirmation that arrives at
the same moment either order is consistent, because both need the same lock.

Clocks: see ``service.ias.lifetimes``. No time of this process takes part in any decision.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog

from consumers.expiring import ENDINGS
from service.ias.lifetimes import EARLY_CONFIRMATION_WAIT, GRACE, SAFETY_MARGIN
from service.settings.rules import Rules
from service.store import expiry, suppositions
from service.store.expiry import START, Candidate, Kind
from service.store.pool import TRANSIENT, Database
from service.telemetry import metrics

_PAUSE_SECONDS: Final = 5.0
_PAGE: Final = 100

log = structlog.get_logger()


def allowances(rules: Rules) -> Mapping[Kind, timedelta]:
    """How long after the time that is looked at (see ``expiry.Kind``) each kind is over.

    A kind that is not named is never over: queries without proof are left alone, unless the policy is
    to send them once more.
    """
    age = rules.session_max_age - SAFETY_MARGIN
    return {
        Kind.VERIFICATION: GRACE,
        Kind.CHALLENGE: GRACE,
        Kind.CODE: min(rules.code_lifetime, age),
        Kind.EARLY_CONFIRMATION: EARLY_CONFIRMATION_WAIT,
        Kind.SESSION_AGE: age,
        Kind.SESSION_IDLE: rules.session_max_idle - SAFETY_MARGIN,
        Kind.QUERY: timedelta(0),
        Kind.HELD_SLOT: timedelta(0),
        Kind.RESENDING: timedelta(0),
        Kind.CONSOLIDATED: rules.consolidated_lifetime,
        Kind.REGISTRATION: rules.registration_lifetime,
        Kind.HOSTED_PAGE: rules.page_lifetime,
        **({Kind.UNPROVEN: rules.unknown_proof_wait} if rules.unknown_policy == "resend" else {}),
    }


class Sweeper:
    """One replica's sweeper."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._allowances = allowances(rules)
        self._parked_lifetime = rules.parked_lifetime

    async def run(self) -> None:
        """Sweep every five seconds, until cancelled."""
        while True:
            try:
                await self.round()
            except TRANSIENT as error:
                log.warning("sweeper.database_away", exc_info=error)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def round(self) -> int:
        """Look at every kind once; how many things were ended here."""
        await self._measure()
        ended = sum([await self._sweep(kind) for kind in self._allowances])
        await self._forget_suppositions()
        return ended

    async def _measure(self) -> None:
        async with self._database.transaction() as unit:
            for kind in self._allowances:
                limit = unit.now - self._allowances[kind]
                oldest = await expiry.oldest(unit, kind, limit)
                overdue = timedelta(0) if oldest is None else limit - oldest
                metrics.OVERDUE.labels(kind).set(overdue.total_seconds())

    async def _sweep(self, kind: Kind) -> int:
        """Page through what is over, so that nothing that cannot be ended hides the rest."""
        ended, after = 0, START
        while True:
            async with self._database.transaction() as unit:
                limit = unit.now - self._allowances[kind]
                page = await expiry.page(unit, kind, limit, after, _PAGE)
            for candidate in page:
                ended += await self._end_or_log(kind, candidate)
            if len(page) < _PAGE:
                break
            after = (page[-1].since, page[-1].ref_id)
        if ended:
            log.info("sweeper.ended", kind=kind.value, count=ended)
        return ended

    async def _end_or_log(self, kind: Kind, candidate: Candidate) -> bool:
        """A defect of one must not keep others from ending: operators see it, and its age grows."""
        try:
            return await self._end(kind, candidate)
        except TRANSIENT:
            raise
        except Exception as error:
            log.exception("sweeper.not_ended", exc_info=error, kind=kind.value)
            return False

    async def _end(self, kind: Kind, candidate: Candidate) -> bool:
        async with self._database.transaction() as unit:
            if not await expiry.try_lock_subject(unit, candidate.subject_id):
                return False
            limit = unit.now - self._allowances[kind]
            if not await expiry.is_still_over(unit, kind, candidate.ref_id, limit):
                return False
            if not await ENDINGS[kind](unit, candidate.ref_id):
                return False
        metrics.SWEPT.labels(kind).inc()
        return True

    async def _forget_suppositions(self) -> None:
        """They end with the parked webhooks that they were made of (``consumers.unparking``)."""
        async with self._database.transaction() as unit:
            await suppositions.forget(unit, unit.now - self._parked_lifetime)
