"""Matches unbound identities again when the call that made their session has been answered.

The same rules decide as when the webhook came. On any disagreement nothing is bound: the identity stays
sealed, as it was, and the alarm that was raised then stands.
"""

import asyncio
from typing import Final

import structlog

from consumers.context import Context
from consumers.hanging import bounded
from consumers.reading import Webhook
from consumers.webhooks.identity_verified import match_again
from schemas.metriport.webhooks import IDENTITY_VERIFIED, HasMeta
from schemas.problems import decode_part
from service.crypto.sealing import place
from service.store import unbound
from service.store.pool import TRANSIENT, Database
from service.store.unbound import Kept
from service.store.unit import Unit

_PAUSE_SECONDS: Final = 1.0

log = structlog.get_logger()


class Rebinder:
    """Looks at the unbound identities of all replicas."""

    def __init__(self, database: Database, context: Context) -> None:
        self._database = database
        self._context = context

    async def run(self) -> None:
        """Look every second, until cancelled."""
        while True:
            try:
                busy = await self.round()
            except TRANSIENT as error:
                log.warning("rebinding.database_away", exc_info=error)
                busy = False
            if not busy:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def round(self) -> bool:
        """Look at one identity once more; whether there was one."""
        async with self._database.transaction() as unit:
            kept = await unbound.take_matched(unit)
            if kept is None:
                return False
            try:
                # what a failed handler wrote is undone
                async with unit.conn.transaction(), bounded(unit):
                    bound = await match_again(unit, self._context, self._open(kept))
            except TRANSIENT:
                raise
            except Exception as error:
                log.exception("rebinding.failed", exc_info=error)
                return True
            await self._end(unit, kept, bound=bound)
            return True

    async def _end(self, unit: Unit, kept: Kept, *, bound: bool) -> None:
        if bound:
            await unbound.forget(unit, kept)
        log.info("rebinding.looked_again", bound=bound)

    def _open(self, kept: Kept) -> Webhook:
        where = place("unbound_identity", IDENTITY_VERIFIED, kept.message_id)
        body = self._context.opener.open(kept.sealed, where)
        return Webhook(decode_part(body, HasMeta).meta, body)
