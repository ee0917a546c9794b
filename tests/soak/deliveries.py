"""Webhooks at a fixed rate whatever the answers do, each on a connection of its own as the vendor's are.

An answer's time counts from when its webhook left, connecting included: nothing that a server does can keep
one of these from leaving. ``late`` says how far the generator itself was behind its timetable.
"""

import asyncio
import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.bench.consumers_load import NEWS, webhook
from tests.bench.consumers_seed import Started
from tests.bench.e2e_load import News
from tests.bench.figures import Shot, Shots
from tests.bench.wire import Client, connect, requests
from tests.durability.load import admission

PATIENCE_SECONDS: Final = 10.0
TELLING: Final = 8
"""Each so manieth webhook changes our state and is told in an event; the others are passed on."""

PATIENTS: Final = 500
"""Of those that are passed on: enough to spread over every partition."""

ENDS: Final = [news for news in NEWS if news[2] != "processing"]
"""What ends a source. The ends of one query may come in any order, and each is told."""


class Sent(NamedTuple):
    """One webhook: its id, its bytes, and by what its event is recognised, if it has one."""

    message_id: str
    body: bytes
    news: News | None = None


@dataclass(frozen=True)
class Delivery:
    """How one was answered: when it left, seconds from then on, and the status (0: no answer)."""

    sent: Sent
    left: float
    seconds: float
    status: int


def webhooks(rng: random.Random, queries: Sequence[Started]) -> Iterator[Sent]:
    """Without an end; those that are told come in between as long as there are queries."""
    told = ((query, end) for query in queries for end in ENDS)
    while True:
        query, end = next(told, (None, None))
        if query is not None and end is not None:
            yield telling(new_id(rng), query, end)
        for _ in range(TELLING - 1):
            message_id = new_id(rng)
            patient = f"patient-{rng.randrange(PATIENTS)}"
            yield Sent(message_id, admission(message_id, patient))


def telling(message_id: str, query: Started, end: tuple[str, str, str]) -> Sent:
    """The end of a query's source."""
    _, source, status = end
    content = webhook(query, *end)
    content["meta"]["messageId"] = message_id
    body = json.dumps(content, separators=(",", ":")).encode()
    return Sent(message_id, body, News(query.patient_id, source, status))


def new_id(rng: random.Random) -> str:
    """The id of one more webhook."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


@dataclass
class Deliveries:
    """What was sent to a port, and how it was answered."""

    port: int
    key: str
    all: list[Delivery] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """Seconds that each left behind its own timetable."""

    under_way: set[str] = field(default_factory=set)
    """Ids of those that were not answered yet."""

    async def run(self, sent: Iterator[Sent], rate: float, stop: asyncio.Event) -> None:
        """Send until told to stop, then wait for what is under way."""
        start, number = time.perf_counter(), 0
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                due = start + number / rate
                await asyncio.sleep(max(due - time.perf_counter(), 0.0))
                self.late.append(max(time.perf_counter() - due, 0.0))
                group.create_task(self.deliver(next(sent)))
                number += 1

    @property
    def shots(self) -> Shots:
        """For percentiles."""
        return Shots(shots=[Shot(one.seconds, one.status) for one in self.all], late=self.late)

    def signing_key(self) -> str:
        """What the next one is signed with."""
        return self.key

    async def deliver(self, sent: Sent) -> None:
        """Send one, and note how it was answered."""
        self.under_way.add(sent.message_id)
        left = time.perf_counter()
        signature = (
            hmac.new(self.signing_key().encode(), sent.body, hashlib.sha256).hexdigest().encode()
        )
        (request,) = requests([(signature, sent.body)], keep=False)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status = await _answer(self.port, request)
        except OSError:  # a timeout is one
            status = 0
        self.all.append(Delivery(sent, left, time.perf_counter() - left, status))
        self.under_way.discard(sent.message_id)


async def _answer(port: int, request: bytes) -> int:
    answered = asyncio.get_running_loop().create_future()

    def note(_: Client, status: int) -> None:
        if not answered.done():
            answered.set_result(status)

    client = await connect(port, note)
    try:
        client.send(request)
        return int(await answered)
    finally:
        client.close()
