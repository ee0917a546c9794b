"""A signed webhook, again and again: how long the answer takes, and what was promised by a 200.

The vendor's double sends it, as it sends its own: a connection each, five seconds of patience. So the
checker knows that it was sent. What was answered 200 must be known to the inbox in the end.
"""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from tests.durability.load import PATH, admission

EVERY_SECONDS: Final = 0.25
PATIENCE: Final = 5.0
NO_ANSWER: Final = 504


class Answer(NamedTuple):
    """When it was sent, what was answered (0: no connection, 504: nothing in time), and after how long."""

    at: float
    status: int
    seconds: float
    message_id: str = ""


@dataclass
class Probe:
    """Has webhooks sent to the ingress until cancelled; ``vendor_url`` is the double's."""

    url: str
    key: str
    answers: list[Answer] = field(default_factory=list)
    vendor_url: str = ""
    was_down: Callable[[float], bool] = lambda _since: False
    """Whether the ingress was stopped or dead by our hand at any moment since then (wall clock)."""

    excused: list[Answer] = field(default_factory=list)
    """Sent to, or under way at, an ingress that could not answer because it was not there."""

    async def run(self) -> None:
        """Send at a steady rate, whatever comes back."""
        async with ClientSession() as session, asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._one(session))
                await asyncio.sleep(EVERY_SECONDS)

    async def _one(self, session: ClientSession) -> None:
        began = time.time()
        answer = await self._emitted(session, str(uuid.uuid4()))
        (self.excused if self.was_down(began) else self.answers).append(answer)

    async def _emitted(self, session: ClientSession, message_id: str) -> Answer:
        """Ask the double to send one, and how it was answered; 0 when there was no connection."""
        at = time.monotonic()
        body = {"body": json.loads(admission(message_id))}
        try:
            async with session.post(
                f"{self.vendor_url}/_sandbox/webhooks/emit", json=body
            ) as answer:
                sent = await answer.json()
        except (TimeoutError, ClientError, OSError):
            return Answer(at, 0, time.monotonic() - at)
        status = int(sent["status"])
        if not sent["answered"] and status != NO_ANSWER:
            status = 0
        return Answer(at, status, float(sent["seconds"]), message_id)

    async def post(self, session: ClientSession, message_id: str) -> Answer:
        """One webhook that this service only passes on."""
        body = admission(message_id)
        digest = hmac.new(self.key.encode(), body, hashlib.sha256).hexdigest()
        return await post(session, self.url, body, digest, message_id)

    def longest(self) -> float:
        """Seconds of the longest answer by an ingress that was there."""
        answered = [one.seconds for one in self.answers if one.status != 0]
        return max(answered, default=0.0)

    def promised(self) -> list[Answer]:
        """Every webhook that was answered 200."""
        return [one for one in (*self.answers, *self.excused) if one.status == 200]


async def post(
    session: ClientSession, url: str, body: bytes, digest: str, message_id: str = ""
) -> Answer:
    """Post signed bytes; never raises for a fault of the network."""
    headers = {"x-metriport-signature": digest, "content-type": "application/json"}
    at = time.monotonic()
    try:
        async with session.post(url + PATH, data=body, headers=headers) as response:
            status = response.status
    except TimeoutError:
        status = NO_ANSWER
    except (ClientError, OSError):
        status = 0
    return Answer(at, status, time.monotonic() - at, message_id)


def open_session() -> ClientSession:
    """As the vendor connects: anew for each webhook."""
    return ClientSession(
        timeout=ClientTimeout(total=PATIENCE), connector=TCPConnector(force_close=True, limit=0)
    )
