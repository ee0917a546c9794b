"""``python -m tests.bench.dispatch_replica``: one gateway replica whose minutes are shorter.

The dispatcher of the product, with every length of time divided by the same factor. What it needs comes
from the environment: ``DATABASE``, ``VENDOR``, ``FASTER``. First it says how far its clock is from the
database's, since whoever started it may have given it a wrong one.
"""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Final

from service.crypto.keys import KeyRing
from service.gateway.client import open_client
from service.gateway.dispatcher import Dispatcher
from service.gateway.operations.common import Surroundings
from service.gateway.pacing import Pace
from service.settings.pacing import Pacing
from service.settings.secret import Secret
from service.store import calls
from service.store.listen import listen
from service.store.pool import Database, open_database
from service.store.unit import Vault
from service.telemetry.logs import configure
from tests.metriport_sandbox import DEFAULT_API_KEY, DEFAULT_FACILITY_ID
from tests.support.settings import ENCRYPTION_KEY, LINK_KEY, PUBLIC_URL, metriport, rules

TIMEOUT = timedelta(seconds=30)
CLOCK_OFF: Final = "clock off by seconds:"


def pace(faster: float) -> Pace:
    """Real limits, and times that are so many times shorter."""
    real = Pace()
    return Pace(
        limits=Pacing(per_day=1_000_000),
        window=real.window / faster,
        recording=real.recording / faster,
        stalled=real.stalled / faster,
    )


async def off_by(database: Database) -> float:
    """How many seconds this process's wall clock is ahead of the database's."""
    async with database.connection() as connection:
        right: datetime = await connection.fetchval("select clock_timestamp()")
    return (datetime.now(UTC) - right).total_seconds()


async def _run() -> None:
    faster = float(os.environ["FASTER"])
    timeout = TIMEOUT / faster
    settings = metriport(
        os.environ["VENDOR"], DEFAULT_API_KEY, DEFAULT_FACILITY_ID, timeout.total_seconds()
    )
    around = Surroundings(
        facility_id=DEFAULT_FACILITY_ID,
        public_url=PUBLIC_URL,
        link_keys=KeyRing((LINK_KEY,)),
        rules=rules(),
    )
    vault = Vault(KeyRing((ENCRYPTION_KEY,)))
    async with (
        open_database(Secret(os.environ["DATABASE"]), 8, vault) as database,
        open_client(settings) as client,
    ):
        print(f"{CLOCK_OFF} {await off_by(database):.1f}", flush=True)
        dispatcher = Dispatcher(database, client, around, timeout=timeout, pace=pace(faster))
        await dispatcher.provide_slots()
        wake = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(dispatcher.run(wake)),
                group.create_task(listen(database, calls.CHANNEL, wake)),
            ]
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, lambda: [task.cancel() for task in running])


def main() -> int:
    """Dispatch until SIGTERM."""
    configure("json", "error")
    asyncio.run(_run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
