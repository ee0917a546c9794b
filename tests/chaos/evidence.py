"""Collects what a run left behind, from outside: the vendor's memory, topics, database, logs.

Ask for it when the run has come to rest; what is still on its way is missing.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from aiohttp import ClientSession, ClientTimeout
from aiokafka import AIOKafkaConsumer

from tests.chaos.checker.facts import Evidence, Fields, Record, Waiting
from tests.local.settings import API_KEY, LocalSettings
from tests.stack import cluster
from tests.stack.postgres import EmbeddedPostgres

__all__ = ["Deployed", "Evidence", "collect"]

READ_SECONDS: Final = 600.0  # two hours of records
_OWN_LIMITS: Final = {
    "write-patient": ("PACING_PATIENT_WRITES", 15),
    "start-network-query": ("PACING_NETWORK_QUERIES", 20),
    "network-query-hie": ("PACING_NETWORK_QUERIES_PER_SOURCE", 20),
    "network-query-pharmacy": ("PACING_NETWORK_QUERIES_PER_SOURCE", 20),
    "network-query-lab": ("PACING_NETWORK_QUERIES_PER_SOURCE", 20),
    "start-consolidated-query": ("PACING_CONSOLIDATED_QUERIES", 120),
}
"""Settings of the deployment that limit its calls, with the defaults of README."""

_WAITING: Final = """
select json_build_object('subject_id', subject_id, 'command_id', command_id, 'what', what,
    'deadline', extract(epoch from deadline))
from (
    select subject_id, command_id, 'registration' as what,
        created_at + interval '{REGISTRATION_LIFETIME} seconds' as deadline
    from registration where state = 'due'
    union all
    select subject_id, command_id, 'identity verification', expires_at
    from identity_verification where state = 'pending'
    union all
    select subject_id, command_id, 'AAL2 challenge', expires_at
    from aal2_challenge where state = 'pending'
    union all
    select subject_id, command_id, 'network query', deadline
    from network_query
    where state in ('waiting', 'due', 'dispatching', 'started', 'resending', 'unknown')
    union all
    select subject_id, command_id, 'consolidated query',
        created_at + interval '{CONSOLIDATED_QUERY_LIFETIME} seconds'
    from consolidated_query where state in ('due', 'dispatching', 'started')
    union all
    select subject_id, command_id, coalesce(waiting_for, 'nothing yet'), deadline
    from record_request where result is null
) open
"""
_LIFETIMES: Final = {"REGISTRATION_LIFETIME": "86400", "CONSOLIDATED_QUERY_LIFETIME": "21600"}


class Deployed(Protocol):
    """What is asked of a deployment; ``tests.local.deployment.Deployment`` has it."""

    settings: LocalSettings
    folder: Path

    @property
    def postgres(self) -> EmbeddedPostgres:
        """The cluster."""

    @property
    def database(self) -> str:
        """The name of the database."""


async def collect(
    deployment: Deployed, sent: Iterable[Fields], foreign: Iterable[bytes] = ()
) -> Evidence:
    """Everything that happened; ``sent``: the commands, each with type, ids, time and content.

    ``foreign``: what was written to topics to be a nuisance.
    """
    settings = deployment.settings
    vendor = await _vendor(settings.sandbox_url)
    records = await _records(settings.bootstrap_servers, settings.topic_prefix)
    return Evidence(
        at=time.time(),
        sent=tuple(sent),
        calls=tuple(vendor["ledger"]),
        vendor=vendor["state"],
        webhooks=tuple(vendor["webhooks"]["webhooks"]),
        deliveries=tuple(vendor["webhooks"]["deliveries"]),
        records=tuple(records),
        dump=await asyncio.to_thread(_dump, deployment),
        waiting=tuple(await asyncio.to_thread(_waiting, deployment)),
        numbered=await asyncio.to_thread(_numbered, deployment),
        logs=_logs(deployment.folder),
        limits=limits_in_force(settings.more, vendor["limits"]),
        session_seconds=float(settings.more.get("AAL2_SESSION_MAX_AGE", "900")),
        keys=_keys(settings),
        foreign=frozenset(foreign),
    )


def limits_in_force(more: Mapping[str, str], counters: Mapping[str, Any]) -> dict[str, int]:
    """Calls a minute: the deployment's own share of its limits, or the vendor's where that is less."""
    share = int(more.get("PACING_SHARE", "100"))
    found = {}
    for name, (setting, default) in _OWN_LIMITS.items():
        ours = max(1, int(more.get(setting, default)) * share // 100)
        theirs = (counters.get(name) or {}).get("limit")
        found[name] = ours if theirs is None else min(ours, int(theirs))
    return found


async def _vendor(url: str) -> dict[str, Any]:
    """The double's memory, over its control API."""
    found = {}
    async with ClientSession(timeout=ClientTimeout(total=READ_SECONDS)) as http:
        for name in ("ledger", "state", "webhooks", "limits"):
            async with http.get(f"{url}/_sandbox/{name}") as answer:
                answer.raise_for_status()
                found[name] = await answer.json()
    return found


async def _records(servers: str, prefix: str) -> list[Record]:
    """Every record of every topic of the deployment, by topic, partition and offset."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )
    await consumer.start()
    try:
        names = [name for name in await consumer.topics() if name.startswith(prefix)]
        consumer.subscribe([name for name in names if not name.startswith("__")])
        async with asyncio.timeout(READ_SECONDS):
            found = [_record(record, prefix) for record in await _read(consumer)]
    finally:
        await consumer.stop()
    return sorted(found, key=lambda one: (one.topic, one.partition, one.offset))


async def _read(consumer: AIOKafkaConsumer) -> list[Any]:
    """From the beginning of every partition to where it ends now."""
    while not (partitions := list(consumer.assignment())):
        await consumer.getmany(timeout_ms=100)
    ends = await consumer.end_offsets(partitions)
    await consumer.seek_to_beginning(*partitions)
    found: list[Any] = []
    while not await _is_read(consumer, ends):
        for records in (await consumer.getmany(timeout_ms=100)).values():
            found += records
    return found


async def _is_read(consumer: AIOKafkaConsumer, ends: Mapping[Any, int]) -> bool:
    """By position, because a compacted topic has fewer records than offsets."""
    for partition, end in ends.items():
        if end > 0 and await consumer.position(partition) < end:
            return False
    return True


def _record(record: Any, prefix: str) -> Record:
    return Record(
        topic=record.topic.removeprefix(prefix),
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key,
        headers=tuple(record.headers),
        value=record.value,
    )


def _dump(deployment: Deployed) -> str:
    """The whole database as ``pg_dump`` writes it; bytes are hex there."""
    database = deployment.postgres.dsn(deployment.database)
    return subprocess.run(
        [str(cluster.program("pg_dump")), "-w", "-d", database],
        env=cluster.ENVIRONMENT,
        check=True,
        capture_output=True,
        text=True,
        timeout=READ_SECONDS,
    ).stdout


def _waiting(deployment: Deployed) -> list[Waiting]:
    lifetimes = _LIFETIMES | {
        name: value for name, value in deployment.settings.more.items() if name in _LIFETIMES
    }
    sql = _WAITING.format(**lifetimes)
    rows = deployment.postgres.execute(sql, database=deployment.database).splitlines()
    return [Waiting(**json.loads(row)) for row in rows]


def _numbered(deployment: Deployed) -> dict[str, int]:
    sql = "select json_object_agg(subject_id, next_sequence - 1) from subject"
    found = deployment.postgres.execute(sql, database=deployment.database)
    numbers: dict[str, int] = json.loads(found or "{}")
    return numbers


def _logs(folder: Path) -> dict[str, str]:
    """What every process of the product printed; the double is not ours."""
    logs = [log for log in folder.glob("*.log") if not log.stem.startswith("metriport")]
    return {log.stem: log.read_text(errors="replace") for log in logs}


def _keys(settings: LocalSettings) -> dict[str, str]:
    public = {"SEALING_PUBLIC_KEY", "AUDIT_PUBLIC_KEYS"}
    keys = {name: value for name, value in settings.keys.items() if name not in public}
    return {**keys, "the API key": API_KEY, "the webhook key": settings.webhook_key}
