"""Whether what was answered 200 is kept once: in the inbox, and in its effect."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, NamedTuple, Protocol

import asyncpg
from aiokafka import AIOKafkaConsumer

from tests.bench.e2e_load import News
from tests.soak.deliveries import Sent

SETTLE_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.5
_UPDATED: Final = "ias.event.NetworkQuerySourceUpdated"
_INBOX: Final = """
select encode(message_digest, 'hex') as digest, count(*) as rows from inbox
where source = 'metriport' group by message_digest
"""
_INBOX_PART: Final = """
select encode(message_digest, 'hex') as digest, count(*) as rows from inbox
where source = 'metriport' and message_digest = any($1::bytea[]) group by message_digest
"""


class Inbox(Protocol):
    """Says how many rows each webhook has, by the digest of its id."""

    async def rows(self) -> Mapping[str, int]:
        """All of them."""


class Found(NamedTuple):
    """Of one webhook: its rows in the inbox, and its events; ``None`` where it has none to have."""

    message_id: str
    rows: int
    events: int | None


@dataclass
class Kept:
    """What became of webhooks."""

    lost: list[Found] = field(default_factory=list)
    doubled: list[Found] = field(default_factory=list)


def judge(answered: Iterable[Sent], rows: Mapping[str, int], told: Mapping[News, set[str]]) -> Kept:
    """Lost: not in the inbox, or without the event it should have. Doubled: more than one of either."""
    kept = Kept()
    for sent in answered:
        events = None if sent.news is None else len(told.get(sent.news, ()))
        digest = sha256(sent.message_id.encode()).hexdigest()
        found = Found(sent.message_id, rows.get(digest, 0), events)
        if 0 in found:
            kept.lost.append(found)
        if found.rows > 1 or (found.events or 0) > 1:
            kept.doubled.append(found)
    return kept


@dataclass(frozen=True)
class InboxTable:
    """The table itself."""

    owner: asyncpg.Connection

    async def rows(self) -> Counter[str]:
        """See ``Inbox``."""
        return Counter({row["digest"]: row["rows"] for row in await self.owner.fetch(_INBOX)})


@dataclass(frozen=True)
class InboxPart:
    """What the table has of some webhooks: quick where there are many more."""

    owner: asyncpg.Connection
    sent: Sequence[Sent]

    async def rows(self) -> Counter[str]:
        """See ``Inbox``."""
        digests = [sha256(one.message_id.encode()).digest() for one in self.sent]
        found = await self.owner.fetch(_INBOX_PART, digests)
        return Counter({row["digest"]: row["rows"] for row in found})


class ToldEvents:
    """Notes the ids of the events that tell each news: the same event may be written twice, and is one."""

    def __init__(self, servers: str, topic: str) -> None:
        self._consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=servers, auto_offset_reset="latest", fetch_max_wait_ms=100
        )
        self.started = asyncio.Event()
        self.ids: defaultdict[News, set[str]] = defaultdict(set)

    async def run(self) -> None:
        """Read until cancelled."""
        await self._consumer.start()
        try:
            await self._consumer.seek_to_end()
            self.started.set()
            async for record in self._consumer:
                headers = dict(record.headers)
                if headers.get("ce_type", b"").decode() == _UPDATED:
                    self._note(json.loads(record.value), headers["ce_id"].decode())
        finally:
            await self._consumer.stop()

    def _note(self, told: dict[str, Any], event_id: str) -> None:
        self.ids[News(told["patientId"], told["source"], told["status"])].add(event_id)


async def settled(
    answered: list[Sent], inbox: Inbox, told: Mapping[News, set[str]], within: float
) -> Kept:
    """Wait until nothing is missing any more, then a moment for what is too much; the last look."""
    ends = time.monotonic() + within
    while judge(answered, await inbox.rows(), told).lost and time.monotonic() < ends:
        await asyncio.sleep(_LOOK_SECONDS)
    await asyncio.sleep(2 * _LOOK_SECONDS)
    return judge(answered, await inbox.rows(), told)
