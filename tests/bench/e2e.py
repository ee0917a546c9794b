"""``python -m tests.bench.e2e``: from a webhook's POST to its event on Apache Kafka, at 200 a second.

Open loop through the real processes (one ingress, two consumers, one gateway) on Apache Kafka and
Postgres: once with everything well, once while a consumers process is killed and started again, once
while the broker restarts. Each webhook has an event of its own; a latency counts from when the webhook
was due. ``away_s`` is for how long a process was gone, ``caught_up_s`` how long after that everything was told
that had been due before. Ends with 1 when a webhook was not answered 200 while all was well, or has no event. ``RATE`` and
``SECONDS`` (of each phase) can be set.
"""

import asyncio
import io
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg

from schemas.topics import Topic
from tests.bench import consumers_seed
from tests.bench.consumers_load import NEWS
from tests.bench.e2e_load import Phase, Reader, Sender
from tests.local.deployment import Deployment
from tests.stack.kafka import ApacheKafka, NoKafkaError
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.processes import Supervised
from tests.stack.signals import Interrupted

RATE = float(os.environ.get("RATE", "200"))
SECONDS = float(os.environ.get("SECONDS", "30"))
AIMS = {"p50_ms": 25.0, "p99_ms": 150.0}
WARM_UP_SECONDS = 5.0
_LOOK_SECONDS = 0.05
_BACK_SECONDS = 60.0

Misfortune = Callable[[], Awaitable[None]]


class Bench:
    """One deployment, and the three phases."""

    def __init__(self, stack: Stack) -> None:
        self._postgres = stack.start(EmbeddedPostgres())
        self._kafka = stack.start(ApacheKafka())
        self._deployment = Deployment(
            stack,
            return_port=free_port(),
            servers=(self._postgres, self._kafka),
            name="bench",
            more={"LOG_LEVEL": "error", "STATUS_POLLING": "false", "DELIVERY_HEALER": "false"},
        )
        self._deployment.start()
        second = {"INTERNAL_PORT": str(free_port())}
        self._second: Supervised = self._deployment.start_role("consumers", second)
        self._second.wait_ready(f"http://127.0.0.1:{second['INTERNAL_PORT']}/readyz", within=60.0)

    @property
    def folder(self) -> Path:
        """Where the logs are."""
        return self._deployment.folder

    async def measure(self) -> dict[str, Phase]:
        """Every phase, one after the other."""
        settings = self._deployment.settings
        topic = f"{settings.topic_prefix}{Topic.EVENTS}"
        reader = Reader(self._kafka.bootstrap_servers, topic)
        owner = await asyncpg.connect(self._postgres.dsn(self._deployment.database))
        reading = asyncio.create_task(reader.run(), name="reader")
        try:
            await self._phase(owner, reader, WARM_UP_SECONDS, _nothing)
            return {
                "well": await self._phase(owner, reader, SECONDS, _nothing),
                "consumer_killed": await self._phase(owner, reader, SECONDS, self._kill_consumer),
                "broker_restarted": await self._phase(owner, reader, SECONDS, self._restart_broker),
            }
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await owner.close()

    async def _phase(
        self, owner: asyncpg.Connection, reader: Reader, seconds: float, misfortune: Misfortune
    ) -> Phase:
        settings, phase = self._deployment.settings, Phase()
        keys = settings.keys["ENCRYPTION_KEYS"]
        queries = await consumers_seed.started(owner, keys, int(RATE * seconds / len(NEWS)))
        reader.phase = phase
        sender = Sender(settings.ingress_port, settings.webhook_key, phase)
        sending = asyncio.create_task(sender.run(queries, RATE), name="sender")
        await asyncio.sleep(seconds / 3)
        gone = time.perf_counter()
        await misfortune()
        phase.mishap = (gone, time.perf_counter())
        await sending
        await sender.settle()
        return phase

    async def _kill_consumer(self) -> None:
        """SIGKILL for one of two; it starts again at once, and the other one goes on."""
        self._second.kill()
        self._second.start()

    async def _restart_broker(self) -> None:
        """SIGKILL for the broker; it starts again at once, and is back when it listens."""
        self._kafka.kill()
        self._kafka.relaunch()
        async with asyncio.timeout(_BACK_SECONDS):
            while not await _listens(self._kafka.port):
                await asyncio.sleep(_LOOK_SECONDS)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _nothing() -> None:
    """All stays well."""


def _report(phases: dict[str, Phase]) -> bool:
    for name, phase in phases.items():
        print(f"{name:18} {json.dumps(phase.figures())}")
    well = phases["well"].figures()
    for name, aim in AIMS.items():
        word = "met   " if well[name] <= aim else "MISSED"
        print(f"  {word}  {name} at most {aim:g}: {well[name]}")
    result = {"bench": "e2e", "rate": RATE, **well}
    result |= {name: phases[name].figures() for name in phases if name != "well"}
    print(json.dumps(result), flush=True)
    return not well["not_200"] and not any(phase.lost for phase in phases.values())


def main() -> int:
    """The command; its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # our own reader, while the broker is away
    try:
        with Stack() as stack:
            print("starting Postgres, Apache Kafka and the processes; all takes about 3 minutes")
            return 0 if _report(asyncio.run(Bench(stack).measure())) else 1
    except NoKafkaError as error:
        print(error, file=sys.stderr)
        return 1
    except Interrupted as error:
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
