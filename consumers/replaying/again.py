"""One record through the normal path, by a tool: what became of it is told and not put aside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import NamedTuple

import structlog

from consumers.acting import Actor, Message
from consumers.command_line import ToolError
from consumers.context import context_of
from consumers.hanging import HandlerHungError
from consumers.reaching import postgres, unusable
from consumers.reading import Reader, RejectedError, kind_of
from schemas.reasons import Reason
from service.bus.received import Received
from service.settings.roles import ConsumersSettings
from service.store import held
from service.store.pool import TRANSIENT, Database
from service.store.unit import Vault

log = structlog.get_logger()


class Result(StrEnum):
    """What became of a record."""

    HANDLED = "handled"
    REPEATED = "repeated"
    """It had taken effect before: nothing was changed."""
    STOPPED = "stopped"
    """Its type is held for now (``ConsumerStopped``): nothing was changed, it comes by itself."""
    REFUSED = "refused"
    """It cannot be acted on, for the reason beside it."""
    FAILED = "failed"
    """The handler failed once more; the log on stderr says where."""


class Outcome(NamedTuple):
    """What became of a record, and why where there is something to say."""

    result: Result
    reason: Reason | None = None


class Again:
    """Handles records with the consumers' keys and rules."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self.database = database
        self._actor = actor

    async def read(self, record: Received) -> Message:
        """The record's message, verified.

        Raises:
            RejectedError: it cannot be acted on.
        """
        return await self._actor.read(record)

    async def handle(self, record: Received) -> Outcome:
        """Handle one record to its end.

        Raises:
            ToolError: the database is away; what was done stays done.
        """
        try:
            return Outcome(await self._effect(record, await self._actor.read(record)))
        except RejectedError as error:
            return Outcome(Result.REFUSED, error.reason)
        except TRANSIENT as error:
            raise ToolError(f"{unusable(error)}: what was done stays done") from None
        except HandlerHungError:
            log.error("replay.handler_hangs", type=kind_of(record).message_type)  # noqa: TRY400 - no text
        except Exception as error:
            log.error("replay.handler_failed", exc_info=error)  # noqa: TRY400 - redacted by type and place
        return Outcome(Result.FAILED, Reason.HANDLER_FAILED)

    async def _effect(self, record: Received, message: Message) -> Result:
        async with self.database.transaction(record.traceparent) as unit:
            if kind_of(record) in await held.stopped(unit):
                return Result.STOPPED
            fresh = await self._actor.act(unit, message)
            return Result.HANDLED if fresh else Result.REPEATED


@asynccontextmanager
async def open_again(settings: ConsumersSettings) -> AsyncIterator[Again]:
    """What handles records, for the life of a command."""
    context = context_of(settings)
    reader = Reader(context.opener, settings.webhooks.keys.current, settings.sealing.mac_keys)
    vault = Vault(settings.at_rest.keys)
    async with postgres(settings.database, vault) as database:
        yield Again(database, Actor(database, reader, context))
