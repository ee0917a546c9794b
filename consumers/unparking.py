"""Handles parked webhooks once their request is known: the same handlers, one transaction each."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
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
from service.crypto.sealing import place
from service.store import outbox, parked
from service.store.parked import Parked
from service.store.pool import TRANSIENT, Database
from service.store.unit import Unit
from service.telemetry import metrics

_IDLE_SECONDS: Final = 0.5

log = structlog.get_logger()


class Unparker:
    """Looks at the parked webhooks of all replicas."""

    def __init__(self, database: Database, context: Context) -> None:
        self._database = database
        self._context = context

    async def run(self) -> None:
        """Look every half second, until cancelled."""
        while True:
            try:
                busy = await self.round()
            except TRANSIENT as error:
                log.warning("unparking.database_away", exc_info=error)
                busy = False
            if not busy:
                await asyncio.sleep(_IDLE_SECONDS)

    async def round(self) -> bool:
        """Handle one webhook whose request is known; whether there was one.

        One that is rejected, or meets a defect, goes to the dead letters, sealed: it must not be met
        again and again.
        """
        try:
            return await self._take_one(self._handle)
        except TRANSIENT:
            raise
        except RejectedError as error:
            log.warning("unparking.rejected", reason=error.reason.value)
            return await self._take_one(partial(self._put_aside, error.reason))
        except Exception as error:
            log.exception("unparking.handler_failed", exc_info=error)
            return await self._take_one(partial(self._put_aside, Reason.HANDLER_FAILED))

    async def _take_one(self, act: Callable[[Unit, Parked], Awaitable[None]]) -> bool:
        async with self._database.transaction() as unit:
            found = await parked.take_matched(unit)
            if found is not None:
                await act(unit, found)
            return found is not None

    async def _handle(self, unit: Unit, found: Parked) -> None:
        where = place_of(found.webhook_type, found.message_id)
        body = self._context.opener.open(found.sealed, where)
        webhook = Webhook(decode_part(body, HasMeta).meta, body)
        await handle_webhook(unit, self._context, webhook)

    async def _put_aside(self, reason: Reason, unit: Unit, found: Parked) -> None:
        letter_id = uuid4()
        where = place(Topic.DEAD_LETTERS, Topic.WEBHOOKS, str(letter_id))
        letter = DeadLetter(
            reason=reason,
            sealed=self._context.sealer.seal(found.sealed, where),
            received_at=unit.now,
            topic=Topic.WEBHOOKS,
            message_type=found.webhook_type,
        )
        await outbox.put_aside(unit, letter, letter_id)
        metrics.DEAD_LETTERS.labels(reason.value).inc()
