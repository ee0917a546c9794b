"""``python -m tests.bench.consumers``: webhooks a second, from Kafka to committed state and told event.

One consumers process, relay included, beside a bare loop that only inserts the inbox row, one
transaction for each webhook, in rounds A B A B; then the same with 1,000,000 rows of history. While a
round's webhooks are published the process stands still, so that no generator runs beside it. Ratios
are taken within a round and the medians reported. Ends with 1 when a webhook was not committed or an
event is missing or too many; figures alone fail nothing. ``LOG_LEVEL=info`` has a line for every message written,
to a file.
"""

import asyncio
import hashlib
import io
import json
import os
import statistics
import sys
import time
import uuid
from base64 import b64decode
from pathlib import Path
from typing import NamedTuple

import asyncpg

from schemas.topics import Topic
from service.crypto.keys import KeyRing
from service.crypto.sealing import Sealer
from service.ingress.records import Recorder
from service.store import inbox
from tests.bench import consumers_load, consumers_seed
from tests.bench.consumers_load import Told
from tests.bench.contenders import DATABASE, ROOT, TOPIC_PREFIX
from tests.local.settings import LocalSettings
from tests.stack.broker import broker_from_environment
from tests.stack.folders import make_folder, remove_folder
from tests.stack.lifetime import Stack
from tests.stack.ports import free_ports
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.processes import Supervised
from tests.stack.signals import Interrupted

ROUNDS = 3
LOG_LEVEL = os.environ.get("LOG_LEVEL", "error")
QUERIES = 1500
AIM_TO_BARE = 0.8
AIM_AT_1M = 0.85
_ROUND_SECONDS = 60.0


class Round(NamedTuple):
    """Webhooks a second."""

    bare: float
    ours: float

    @property
    def ratio(self) -> float:
        """Ours beside the bare loop of the same round."""
        return self.ours / self.bare


class Bench:
    """Postgres, a broker and one consumers process."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self._broker = stack.start(broker_from_environment())
        self._postgres = stack.start(EmbeddedPostgres())
        ingress, internal, nobody = free_ports(3)
        self._settings = LocalSettings(
            ingress_port=ingress,
            internal_ports={"consumers": internal},
            sandbox_port=nobody,
            return_url="http://127.0.0.1:1/return",
            bootstrap_servers=self._broker.bootstrap_servers,
            topic_prefix=TOPIC_PREFIX,
            more={"LOG_LEVEL": LOG_LEVEL, "KAFKA_SESSION_TIMEOUT_MS": "10000"},
        )
        self._internal = internal
        self._events = f"{TOPIC_PREFIX}{Topic.EVENTS}"
        self._recorder = Recorder(
            Sealer(b64decode(self._settings.keys["SEALING_PUBLIC_KEY"])), KeyRing((bytes(32),))
        )

    def start(self) -> Supervised:
        """Start the process; returns when it has its partitions."""
        self._postgres.create_database(DATABASE)
        owner = {"MIGRATION_DATABASE_URL": self._postgres.dsn(DATABASE)}
        self._run("migrate", owner, "migrate").wait(within=60.0)
        self._postgres.execute("create role ias_service_login login in role ias_service")
        topics = self._settings.environment("topics", "")
        self._run("topics", topics, "topics", "apply", "--replication", "1").wait(within=60.0)
        login = self._postgres.dsn(DATABASE, user="ias_service_login")
        ours = self._run("consumers", self._settings.environment("consumers", login), "consumers")
        return ours.wait_ready(f"http://127.0.0.1:{self._internal}/readyz", within=60.0)

    async def measure(self, ours: Supervised) -> bool:
        """Measure and report; whether everything was committed and told once."""
        servers = self._broker.bootstrap_servers
        owner = await asyncpg.connect(self._postgres.dsn(DATABASE))
        try:
            async with Told(servers, self._events) as told:
                await self._round(owner, told, ours)  # warm-up
                empty = [await self._round(owner, told, ours) for _ in range(ROUNDS)]
                _show("empty tables", empty)
                print("writing 1,000,000 rows of history", flush=True)
                await owner.execute(consumers_seed.HISTORY, timeout=600)
                await self._round(owner, told, ours)
                full = [await self._round(owner, told, ours) for _ in range(ROUNDS)]
                _show("1,000,000 rows", full)
                clean = await self._is_clean(owner, told, 2 * ROUNDS + 2)
        finally:
            await owner.close()
        _last_line(empty, full)
        return clean

    async def _round(self, owner: asyncpg.Connection, told: Told, ours: Supervised) -> Round:
        keys = self._settings.keys["ENCRYPTION_KEYS"]
        queries = await consumers_seed.started(owner, keys, QUERIES)
        records = consumers_load.webhooks(self._recorder, self._settings.webhook_key, queries)
        bare = len(records) / await _insert_one_by_one(self._postgres.dsn(DATABASE), len(records))
        ours.freeze()
        try:
            await consumers_load.publish(self._broker.bootstrap_servers, TOPIC_PREFIX, records)
        finally:
            ours.thaw()
        began = time.perf_counter()
        expected = len(told.ids) + len(queries) * consumers_load.EVENTS_OF_QUERY
        await told.until(expected, _ROUND_SECONDS)
        return Round(bare, len(records) / (time.perf_counter() - began))

    async def _is_clean(self, owner: asyncpg.Connection, told: Told, rounds: int) -> bool:
        queries = rounds * QUERIES
        ended = "select count(*) from network_query where state = 'partial'"
        waiting = -1
        for _ in range(200):  # the relay removes what it has sent a moment later
            waiting = await owner.fetchval("select count(*) from outbox")
            if not waiting:
                break
            await asyncio.sleep(0.05)
        await told.read()
        clean: bool = (
            await owner.fetchval(ended) == queries
            and len(told.ids) == queries * consumers_load.EVENTS_OF_QUERY
            and not waiting
        )
        print(
            f"{'all' if clean else 'NOT ALL'} committed and told: {told.records} records of {len(told.ids)} events"
        )
        return clean

    def _run(self, name: str, env: dict[str, str], *arguments: str) -> Supervised:
        path = {"PATH": os.environ.get("PATH", os.defpath)}
        profile = os.environ.get("BENCH_PROFILE") if name == "consumers" else None
        how = ["-m", "cProfile", "-o", profile] if profile else []
        command = [sys.executable, *how, "-m", "consumers", *arguments]
        log = self._folder / f"{name}.log"
        started = Supervised(name, command, env=path | env, log_path=log, cwd=ROOT)
        return self._stack.start(started)


async def _insert_one_by_one(dsn: str, count: int) -> float:
    """The bare loop: seconds for so many transactions of one inbox row each."""
    names = [hashlib.sha256(uuid.uuid4().bytes).digest() for _ in range(count)]
    connection = await asyncpg.connect(dsn)
    try:
        began = time.perf_counter()
        for name in names:
            async with connection.transaction():
                await connection.execute(inbox.REMEMBER, "bare", name)
        return time.perf_counter() - began
    finally:
        await connection.close()


def _show(what: str, rounds: list[Round]) -> None:
    each = " ".join(f"{one.ours:.0f}/{one.bare:.0f}={one.ratio:.2f}" for one in rounds)
    print(f"{what:16} ours/bare a second: {each}", flush=True)


def _last_line(empty: list[Round], full: list[Round]) -> None:
    ratio = statistics.median(one.ratio for one in empty)
    per_second = statistics.median(one.ours for one in empty)
    at_1m = statistics.median(one.ours for one in full) / per_second
    for what, measured, aim in (
        ("of the bare loop", ratio, AIM_TO_BARE),
        ("of the empty-table rate with 1,000,000 rows", at_1m, AIM_AT_1M),
    ):
        word = "met   " if measured >= aim else "MISSED"
        print(f"  {word}  at least {aim} {what}: {measured:.2f}")
    result = {
        "bench": "consumers",
        "ratio_to_bare_insert": round(ratio, 3),
        "per_second": round(per_second),
        "ratio_at_1m_rows": round(at_1m, 3),
    }
    print(json.dumps(result), flush=True)


def main() -> int:
    """The command; its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # also when CI reads it through a pipe
    folder = make_folder("bench")
    try:
        with Stack() as stack:
            print("starting Postgres, the broker and one consumers process; all takes 2 minutes")
            bench = Bench(stack, folder)
            clean = asyncio.run(bench.measure(bench.start()))
    except Interrupted as error:
        return error.exit_code
    finally:
        remove_folder(folder)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
