"""Handles parked webhooks once their request is known: the same handlers, one transaction each."""

import asyncio
from typing import Final

import structlog

from consumers.context import Context
from consumers.reading import RejectedError, Webhook
from consumers.routing import handle_webhook
from consumers.webhooks.parking import place_of
from schemas.metriport.webhooks import HasMeta
from schemas.problems import decode_part
from service.store import parked
from service.store.pool import TRANSIENT, Database

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
        """Handle one webhook whose request is known; whether there was one."""
        async with self._database.transaction() as unit:
            found = await parked.take_matched(unit)
            if found is None:
                return False
            where = place_of(found.webhook_type, found.message_id)
            body = self._context.opener.open(found.sealed, where)
            webhook = Webhook(decode_part(body, HasMeta).meta, body)
            try:
                await handle_webhook(unit, self._context, webhook)
            except RejectedError as error:
                log.warning("unparking.rejected", reason=error.reason.value)
            return True
