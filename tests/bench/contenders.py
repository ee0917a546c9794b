"""The four that are compared, each one process on asyncio's own event loop with logs off."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import TOPICS, Topic
from tests.bench import paced
from tests.bench.figures import Shots
from tests.local.settings import LocalSettings
from tests.stack.broker import Broker, broker_from_environment
from tests.stack.lifetime import Stack
from tests.stack.ports import LOOPBACK, free_ports
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.processes import Supervised

ROOT = Path(__file__).parent.parent.parent
DATABASE = "bench"
TOPIC_PREFIX = "bench."


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One server under load."""

    name: str
    port: int


class Arena:
    """Starts the three and what ours needs; the ``Stack`` stops all of it."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self.broker: Broker = stack.start(broker_from_environment())
        self.postgres = stack.start(EmbeddedPostgres())
        bare, sample, ours, least, internal, nobody = free_ports(6)
        self.settings = LocalSettings(
            ingress_port=ours,
            internal_ports={"ingress": internal},
            sandbox_port=nobody,
            return_url="http://127.0.0.1:1/return",
            bootstrap_servers=self.broker.bootstrap_servers,
            topic_prefix=TOPIC_PREFIX,
            more={"LOG_LEVEL": "error"},
        )
        self.bare = Contender(name="(a) aiohttp, reads", port=bare)
        self.sample = Contender(name="(b) FastAPI, prints", port=sample)
        self.ours = Contender(name="(c) ours, durable", port=ours)
        self.least = Contender(name="(d) least, durable", port=least)
        self._internal = internal

    @property
    def all(self) -> tuple[Contender, ...]:
        """In the order of a round."""
        return (self.bare, self.sample, self.ours, self.least)

    def start(self) -> "Arena":
        """Start all; returns when they answer."""
        path = {"PATH": os.environ.get("PATH", os.defpath)}
        self._prepare()
        bare = self._run("bare", "tests.bench.bare", path, str(self.bare.port))
        more = {name: os.environ[name] for name in ("UVICORN_HTTP",) if name in os.environ}
        key = {"WEBHOOK_KEY": self.settings.webhook_key}
        names = path | key | more
        sample = self._run("sample", "tests.bench.sample", names, str(self.sample.port))
        broker = self.broker.bootstrap_servers
        arguments = (str(self.least.port), broker, f"{TOPIC_PREFIX}least")
        least = self._run("least", "tests.bench.least", path | key, *arguments)
        login = self.postgres.dsn(DATABASE, user="ias_ingress_login")
        environment = self.settings.environment("ingress", login)
        ingress = self._run("ingress", "consumers", environment, "ingress")
        ingress.wait_ready(f"http://127.0.0.1:{self._internal}/readyz")
        bare.wait_ready(lambda: _listens(self.bare.port))
        sample.wait_ready(lambda: _listens(self.sample.port))
        least.wait_ready(lambda: _listens(self.least.port))
        return self

    def in_broker(self) -> int:
        """How many webhooks the broker has."""
        return asyncio.run(self._count())

    def in_spool(self) -> int:
        """How many wait in Postgres."""
        return int(self.postgres.execute("select count(*) from spool", database=DATABASE))

    def paced(self, contender: Contender, file: Path, rate: float, seconds: float) -> Shots:
        """Run the open loop, in a process of its own."""
        printed = subprocess.run(
            [sys.executable, "-m", *paced.command(contender.port, file, rate, seconds)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=seconds + paced.SLACK_SECONDS,
            check=True,
        ).stdout
        return Shots.from_json(json.loads(printed))

    def _prepare(self) -> None:
        self.postgres.create_database(DATABASE)
        owner = {"MIGRATION_DATABASE_URL": self.postgres.dsn(DATABASE)}
        self._run("migrate", "consumers", owner, "migrate").wait(within=60.0)
        self.postgres.execute("create role ias_ingress_login login in role ias_ingress")
        topics = self.settings.environment("topics", "")
        applied = self._run("topics", "consumers", topics, "topics", "apply", "--replication", "1")
        applied.wait(within=60.0)
        asyncio.run(self._create_topic_of_least())

    async def _create_topic_of_least(self) -> None:
        """With as many partitions as ours, so that batches are of the same size."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.bootstrap_servers)
        await admin.start()
        try:
            partitions = TOPICS[Topic.WEBHOOKS].partitions
            await admin.create_topics([NewTopic(f"{TOPIC_PREFIX}least", partitions, 1)])
        finally:
            await admin.close()

    def _run(self, name: str, module: str, env: Mapping[str, str], *arguments: str) -> Supervised:
        command = [sys.executable, "-m", module, *arguments]
        log = self._folder / f"{name}.log"
        return self._stack.start(Supervised(name, command, env=env, log_path=log, cwd=ROOT))

    async def _count(self) -> int:
        topic = f"{TOPIC_PREFIX}{Topic.WEBHOOKS}"
        async with AIOKafkaConsumer(bootstrap_servers=self.broker.bootstrap_servers) as consumer:
            await consumer.topics()
            numbers = consumer.partitions_for_topic(topic) or set()
            partitions = [TopicPartition(topic, number) for number in numbers]
            ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        return sum(ends.values())


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1.0).close()
    except OSError:
        return False
    return True
