"""Handles parked webhooks once their request is known: the same handlers, one transaction each."""

import asyncio
import time
from datetime import timedelta
from typing import Final
from uuid import uuid4

import structlog

from consumers.context import Context
from consumers.reading import RejectedError, Webhook
from consumers.routing import handle_webhook
from consumers.webhooks.parking import place_of
from schemas.dead_letters import DeadLetter
from schemas.metriport.webhooks import HasMeta
from schemas.problems import decode_part
from schemas.reasons import Reason
from schemas.topics import Topic
from service.crypto.keys import UnknownKeyError
from service.crypto.sealing import place
from service.store import outbox, parked
from service.store.parked import Parked
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit
from service.telemetry import metrics

_IDLE_SECONDS: Final = 0.5
_ALL_SECONDS: Final = 60.0
_YOUNG: Final = timedelta(minutes=10)  # "webhook before response" is a matter of seconds

log = structlog.get_logger()


class Unparker:
    """Looks at the parked webhooks of all replicas."""

    def __init__(self, database: Database, context: Context) -> None:
        self._database = database
        self._context = context

    async def run(self) -> None:
        """Look at the young every half second and at all once a minute, until cancelled."""
        looked_at_all = float("-inf")
        while True:
            is_time = time.monotonic() >= looked_at_all + _ALL_SECONDS
            try:
                busy = await self.round(parked.EVER if is_time else _YOUNG)
            except TRANSIENT as error:
                log.warning("unparking.database_away", exc_info=error)
                busy = False
            else:
                if is_time and not busy:
                    looked_at_all = time.monotonic()
            if not busy:
                await asyncio.sleep(_IDLE_SECONDS)

    async def round(self, age: timedelta = parked.EVER) -> bool:
        """Handle one webhook whose request is known; whether there was one.

        One that is rejected, or meets a defect, goes to the dead letters, sealed: it must not be met
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
                await self._put_aside(unit, found, error.reason)
            except Exception as error:
                log.exception("unparking.handler_failed", exc_info=error)
                await self._put_aside(unit, found, Reason.HANDLER_FAILED)
            return True

    async def _handle(self, unit: Unit, found: Parked) -> None:
        body = self._open(found)
        await handle_webhook(unit, self._context, Webhook(decode_part(body, HasMeta).meta, body))

    def _open(self, found: Parked) -> bytes:
        where = place_of(found.webhook_type, found.message_id)
        return self._context.opener.open(found.sealed, where)

    async def _put_aside(self, unit: Unit, found: Parked, reason: Reason) -> None:
        """The letter opens to what Metriport signed, unless that cannot be opened any more."""
        letter_id = uuid4()
        where = place(Topic.DEAD_LETTERS, Topic.WEBHOOKS, str(letter_id))
        try:
            content = self._open(found)
        except UnknownKeyError:
            content = found.sealed
        letter = DeadLetter(
            reason=reason,
            sealed=self._context.sealer.seal(content, where),
            received_at=unit.now,
            topic=Topic.WEBHOOKS,
            message_type=found.webhook_type,
        )
        await outbox.put_aside(unit, letter, letter_id)
        metrics.DEAD_LETTERS.labels(reason.value).inc()
