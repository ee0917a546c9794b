"""The webhooks of started queries, signed as Metriport would and published as the ingress would."""

import asyncio
import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Sequence
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.cloudevents import to_headers
from service.ingress.peek import peek
from service.ingress.records import OutRecord, Recorder
from tests.bench.consumers_seed import Started

EVENTS_OF_QUERY = 5
"""First data, one end for each of three sources, and the end of the query."""

WEBHOOKS_OF_QUERY = 4
NEWS = (
    ("network-query.hie.first-data-ready", "hie", "processing"),
    ("network-query.hie", "hie", "completed"),
    ("network-query.pharmacy", "pharmacy", "completed"),
    ("network-query.lab", "lab", "failed"),
)


def webhooks(recorder: Recorder, key: str, queries: Sequence[Started]) -> list[OutRecord]:
    """All webhooks of these queries: each query's in order, the queries mixed."""
    turns = [query for query in queries for _ in NEWS]
    random.Random(7).shuffle(turns)
    told = dict.fromkeys(queries, 0)
    records = []
    for query in turns:
        records.append(_record(recorder, key, webhook(query, *NEWS[told[query]])))
        told[query] += 1
    return records


async def publish(servers: str, prefix: str, records: Sequence[OutRecord]) -> None:
    """Publish all; returns when the broker has them."""
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=5) as producer:
        sends = [
            await producer.send(
                f"{prefix}{record.topic}",
                record.value,
                record.key.encode(),
                headers=to_headers(record.attributes),
            )
            for record in records
        ]
        await asyncio.gather(*sends)


class Told:
    """Reads the events; what a broker says of its end is not always what can be read."""

    def __init__(self, servers: str, topic: str) -> None:
        self._consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=servers, auto_offset_reset="earliest", fetch_max_wait_ms=20
        )
        self.ids: set[bytes | None] = set()
        self.records = 0

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._consumer.stop()

    async def until(self, count: int, within: float) -> None:
        """Read until so many different events were told.

        Raises:
            TimeoutError: they were not, within so many seconds.
        """
        ends = time.monotonic() + within
        while len(self.ids) < count:
            if time.monotonic() > ends:
                raise TimeoutError(f"{len(self.ids)} of {count} events were told")
            await self.read()

    async def read(self) -> None:
        """Read what is there."""
        found = await self._consumer.getmany(timeout_ms=50)
        for record in (record for records in found.values() for record in records):
            self.note(record)

    def note(self, record: Any) -> None:
        """Count a record that was read."""
        self.records += 1
        self.ids.add(dict(record.headers)["ce_id"])


def _record(recorder: Recorder, key: str, webhook: dict[str, Any]) -> OutRecord:
    body = json.dumps(webhook, separators=(",", ":")).encode()
    signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return recorder.webhook(body, signature, peek(body))


def webhook(query: Started, kind: str, source: str, status: str) -> dict[str, Any]:
    ended = {} if status == "processing" else {"completedAt": "2026-06-01T15:09:30.997Z"}
    return {
        "meta": {
            "messageId": str(uuid.uuid4()),
            "requestId": query.request_id,
            "when": "2026-06-01T15:09:31.204Z",
            "type": kind,
            "data": {"subject": query.subject_id},
        },
        "payload": {
            "patientId": query.patient_id,
            "externalId": query.subject_id,
            "purposeOfUse": "ias",
            "source": {"type": source, "status": status, **ended},
            "consolidatedDataUrl": f"https://downloads.example.org/data?signature={'0' * 700}",
        },
    }
