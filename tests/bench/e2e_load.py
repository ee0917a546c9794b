"""Open loop of signed webhooks, each timed from when it was due to its event on Kafka."""

import asyncio
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer

from tests.bench.consumers_load import NEWS, webhook
from tests.bench.consumers_seed import Started
from tests.bench.figures import percentile
from tests.bench.wire import Client, connect, requests

_CONNECTIONS = 64
_SETTLE_SECONDS = 60.0
_UPDATED = b"ias.event.NetworkQuerySourceUpdated"


class News(NamedTuple):
    """What one webhook says, by which its event is recognised."""

    patient_id: str
    source: str
    status: str


@dataclass
class Phase:
    """What was measured while webhooks were sent: seconds by news, statuses, slowest answer.

    ``mishap``: since when a process was gone, and when it was back.
    """

    due: dict[News, float] = field(default_factory=dict)
    told: dict[News, float] = field(default_factory=dict)
    refused: int = 0
    slowest_answer: float = 0.0
    mishap: tuple[float, float] | None = None

    @property
    def latencies(self) -> list[float]:
        """Seconds from POST to event, of everything that was told."""
        return [at - self.due[news] for news, at in self.told.items()]

    @property
    def lost(self) -> int:
        """Webhooks without an event."""
        return len(self.due) - len(self.told)

    @property
    def away(self) -> float:
        """Seconds for which a process was gone."""
        gone, back = self.mishap or (0.0, 0.0)
        return back - gone

    @property
    def caught_up(self) -> float:
        """Seconds from when it was back until all was told that was due before."""
        _, back = self.mishap or (0.0, 0.0)
        told = [at for news, at in self.told.items() if self.due[news] < back]
        return max([at - back for at in told], default=0.0)

    def figures(self) -> dict[str, Any]:
        """For the last line."""
        took = self.latencies or [float("nan")]
        return {
            "p50_ms": round(percentile(took, 50) * 1e3, 1),
            "p99_ms": round(percentile(took, 99) * 1e3, 1),
            "p999_ms": round(percentile(took, 99.9) * 1e3, 1),
            "slowest_answer_ms": round(self.slowest_answer * 1e3, 1),
            "not_200": self.refused,
            "lost": self.lost,
            "away_s": round(self.away, 2),
            "caught_up_s": round(self.caught_up, 2),
        }


class Reader:
    """Notes when each news was told, in whatever phase it was sent."""

    def __init__(self, servers: str, topic: str) -> None:
        self._consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=servers, auto_offset_reset="latest", fetch_max_wait_ms=100
        )
        self.phase = Phase()

    async def run(self) -> None:
        """Read until cancelled."""
        await self._consumer.start()
        try:
            async for record in self._consumer:
                if dict(record.headers).get("ce_type") == _UPDATED:
                    self._note(json.loads(record.value))
        finally:
            await self._consumer.stop()

    def _note(self, told: dict[str, Any]) -> None:
        news = News(told["patientId"], told["source"], told["status"])
        if news in self.phase.due:
            self.phase.told.setdefault(news, time.perf_counter())


class Sender:
    """Sends a phase's webhooks at a fixed rate, over as few connections as serve it."""

    def __init__(self, port: int, key: str, phase: Phase) -> None:
        self._port, self._key, self._phase = port, key, phase
        self._idle: deque[Client] = deque()
        self._began: dict[Client, float] = {}
        self._waiting: deque[bytes] = deque()

    async def run(self, queries: Sequence[Started], rate: float) -> None:
        """Send four webhooks of each query, in order, the queries side by side."""
        for _ in range(_CONNECTIONS):
            self._idle.append(await connect(self._port, self._answered))
        start = time.perf_counter()
        turns = [(query, news) for news in NEWS for query in queries]
        for number, (query, (kind, source, status)) in enumerate(turns):
            due = start + number / rate
            await asyncio.sleep(max(due - time.perf_counter(), 0.0))
            self._phase.due[News(query.patient_id, source, status)] = due
            self._waiting.append(self._request(webhook(query, kind, source, status)))
            await self._go_on()

    async def settle(self) -> None:
        """Wait until everything was told, as long as it takes within a minute; then hang up."""
        ends = time.perf_counter() + _SETTLE_SECONDS
        while self._phase.lost and time.perf_counter() < ends:
            await self._go_on()
            await asyncio.sleep(0.05)
        for client in [*self._idle, *self._began]:
            client.close()

    async def _go_on(self) -> None:
        while self._waiting and self._idle:
            client = self._idle.popleft()
            if not client.is_open:
                client = await connect(self._port, self._answered)
            self._began[client] = time.perf_counter()
            client.send(self._waiting.popleft())

    def _answered(self, client: Client, status: int) -> None:
        took = time.perf_counter() - self._began.pop(client)
        self._phase.slowest_answer = max(self._phase.slowest_answer, took)
        self._phase.refused += status != 200
        self._idle.append(client)

    def _request(self, content: dict[str, Any]) -> bytes:
        body = json.dumps(content, separators=(",", ":")).encode()
        signature = hmac.new(self._key.encode(), body, hashlib.sha256).hexdigest()
        return requests([(signature.encode(), body)])[0]
