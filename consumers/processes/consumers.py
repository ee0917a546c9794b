"""The consumers process: handlers, record requests, parked webhooks, and the outbox relay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from consumers.auditing.sealer import AuditSealer
from consumers.context import context_of
from consumers.housekeeping import Housekeeper
from consumers.measuring import Measurer, begin_at_zero
from consumers.processes.lifecycle import Running, tasks
from consumers.processor import Processor
from consumers.reading import Reader
from consumers.rebinding import Rebinder
from consumers.records.runner import RecordRunner
from consumers.resuming import Resumer
from consumers.sweeper import Sweeper
from consumers.unparking import Unparker
from schemas.topics import Topic
from service.bus.publisher import Publisher
from service.bus.relay import Relay
from service.bus.spooling import SpoolRelay
from service.bus.subscription import Subscription
from service.crypto.signing import Signer
from service.settings.roles import ConsumersSettings
from service.store import outbox
from service.store.listen import listen
from service.store.starting import open_when_there
from service.store.unit import Vault

RELAY_SECONDS: Final = 5.0
TOPICS: Final = (Topic.COMMANDS, Topic.CALLBACKS, Topic.WEBHOOKS)


@asynccontextmanager
async def consumers(settings: ConsumersSettings) -> AsyncIterator[Running]:
    """Handle messages and publish what follows."""
    begin_at_zero()
    vault = Vault(settings.at_rest.keys)
    context = context_of(settings)
    publisher = Publisher(settings.kafka, deadline=RELAY_SECONDS)
    opening = open_when_there(settings.database.url, settings.database.pool_size, vault)
    async with opening as database:
        reader = Reader(
            context.opener,
            settings.webhooks.keys.current,
            settings.sealing.mac_keys,
            keys_may_come=True,
        )
        processor = Processor(database, reader, context)
        subscription = Subscription(settings.kafka, TOPICS, processor.handle)
        wake, news = asyncio.Event(), asyncio.Event()
        async with tasks(
            producer=publisher.run(),
            relay=Relay(database, publisher).run(wake),
            listen=listen(database, outbox.CHANNEL, wake, news),
            records=RecordRunner(database, context).run(news),
            sealing=AuditSealer(
                database, Signer(settings.audit.signing_key.reveal()), settings.audit.head_every
            ).run(),
            spool=SpoolRelay(database, publisher, context.opener).run(),
            unparking=Unparker(database, context).run(),
            rebinding=Rebinder(database, context).run(),
            sweeping=Sweeper(database, settings.rules).run(),
            housekeeping=Housekeeper(database, settings.retention).run(),
            measuring=Measurer(database).run(),
            resuming=Resumer(database, reader, context).run(),
            subscription=subscription.run(),
        ) as started:

            async def drain() -> None:
                """Finish the batch at hand and leave the group; the outbox keeps what is left."""
                subscription.stop()
                await asyncio.wait([started[-1]])

            yield Running(
                name="consumers",
                tasks=started,
                readiness=lambda: {
                    "kafka": publisher.is_connected,
                    "assigned": subscription.is_assigned,
                },
                drain=drain,
            )
