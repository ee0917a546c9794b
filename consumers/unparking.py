"""Handles parked webhooks once their request is known: the same handlers, one transaction each.

What nobody claims in time ends here too, after the last look.
"""

import asyncio
import time
from datetime import timedelta
from typing import Final

import structlog

from consumers.context import Context
from consumers.hanging import bounded
from consumers.reading import RejectedError, Webhook
from consumers.routing import handle_webhook
from consumers.webhooks.parking import open_parked, put_aside
from schemas.metriport.webhooks import HasMeta
from schemas.problems import decode_part
from schemas.reasons import Reason
from service.store import parked
from service.store.parked import Parked
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit
from service.telemetry import metrics

_IDLE_SECONDS: Final = 0.5
_ALL_SECONDS: Final = 60.0
_PAGE: Final = 20
_YOUNG: Final = timedelta(minutes=10)  # "webhook before response" is a matter of seconds

log = structlog.get_logger()


class Unparker:
    """Looks at the parked webhooks of all replicas."""

    def __init__(self, database: Database, context: Context) -> None:
        self._database = database
        self._context = context

    async def run(self) -> None:
        """Look at the young every half second, and once a minute at all and at what is over."""
        looked_at_all = float("-inf")
        while True:
            is_time = time.monotonic() >= looked_at_all + _ALL_SECONDS
            busy = False
            try:
                busy = await self.round(parked.EVER if is_time else _YOUNG)
                if is_time and not busy:
                    await self.end()
                    looked_at_all = time.monotonic()
            except TRANSIENT as error:
                log.warning("unparking.database_away", exc_info=error)
            if not busy:
                await asyncio.sleep(_IDLE_SECONDS)

    async def round(self, age: timedelta = parked.EVER) -> bool:
        """Handle one webhook whose request is known; whether there was one.

        One that is rejected, or meets a defect (as one that hangs), goes to the dead letters, sealed: it must not be met
        again and again.
        """
        async with self._database.transaction() as unit:
            found = await parked.take_matched(unit, age)
            if found is None:
                return False
            try:
                async with unit.conn.transaction():  # what a failed handler wrote is undone
                    await self._handle(unit, found)
            except TRANSIENT:
                raise
            except RejectedError as error:
                log.warning("unparking.rejected", reason=error.reason.value)
                await put_aside(unit, self._context, found, error.reason)
            except Exception as error:
                log.exception("unparking.handler_failed", exc_info=error)
                await put_aside(unit, self._context, found, Reason.HANDLER_FAILED)
            return True

    async def _handle(self, unit: Unit, found: Parked) -> None:
        body = open_parked(self._context, found)
        webhook = Webhook(decode_part(body, HasMeta).meta, body)
        async with bounded(unit):
            await handle_webhook(unit, self._context, webhook)

    async def end(self) -> None:
        """End what was parked for PARKED_WEBHOOK_LIFETIME.

        One about a patient of ours goes to the dead letters, so that its end is seen; those about
        patients of others are counted, and stay on their topic for whom they concern.
        """
        gone = _PAGE
        while gone == _PAGE:
            async with self._database.transaction() as unit:
                limit = unit.now - self._context.rules.parked_lifetime
                over = await parked.take_over(unit, limit, _PAGE)
                for found in over.ours:
                    await put_aside(unit, self._context, found, Reason.REQUEST_UNKNOWN)
            for found in over.ours:
                log.warning("unparking.never_claimed", type=found.webhook_type)
            gone = over.total
            metrics.PARKED_FORGOTTEN.inc(gone - len(over.ours))
