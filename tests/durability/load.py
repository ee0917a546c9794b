"""Signed webhooks at a steady rate, each answer with its time; the signature is made here."""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession, ClientTimeout

PATH = "/webhooks/metriport"


@dataclass(frozen=True)
class Answer:
    """One answer, or ``status`` 0 for none."""

    message_id: str
    status: int
    seconds: float


@dataclass
class Load:
    """Posts webhooks to whatever ``target`` names at the moment."""

    target: Callable[[], str]
    key: str
    rate: float = 100.0
    answers: list[Answer] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        """Post at the rate for so long, without waiting for answers, then wait for all of them."""
        async with (
            ClientSession(timeout=ClientTimeout(total=10)) as session,
            asyncio.TaskGroup() as group,
        ):
            started = time.monotonic()
            for number in range(int(seconds * self.rate)):
                await asyncio.sleep(max(0.0, started + number / self.rate - time.monotonic()))
                group.create_task(self._post(session))

    async def _post(self, session: ClientSession) -> None:
        message_id = str(uuid.uuid4())
        body = admission(message_id)
        digest = hmac.new(self.key.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "x-metriport-signature": digest,
            "content-type": "application/json",
            "connection": "close",
        }
        started = time.monotonic()
        try:
            async with session.post(self.target() + PATH, data=body, headers=headers) as response:
                status = response.status
        except (ClientError, TimeoutError, OSError):
            status = 0
        self.answers.append(Answer(message_id, status, time.monotonic() - started))

    def slowest(self) -> float:
        """Seconds of the slowest answer."""
        return max(answer.seconds for answer in self.answers)

    def statuses(self) -> set[int]:
        """Every status that was answered."""
        return {answer.status for answer in self.answers}


def admission(message_id: str, patient_id: str = "patient-of-the-load") -> bytes:
    """A webhook that this service only passes on."""
    body = {
        "meta": {
            "messageId": message_id,
            "when": "2026-06-03T10:02:11.000Z",
            "type": "patient.admit",
        },
        "payload": {
            "patientId": patient_id,
            "admitTimestamp": "2026-06-03T09:55:00.000Z",
        },
    }
    return json.dumps(body, separators=(",", ":")).encode()


async def ping(session: ClientSession, url: str, key: str) -> float:
    """Seconds until a ping was answered rightly."""
    meta = {"messageId": "p", "when": "2026-06-01T14:00:00.412Z", "type": "ping"}
    body = json.dumps({"ping": "abc", "meta": meta}, separators=(",", ":")).encode()
    digest = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    started = time.monotonic()
    async with session.post(
        url + PATH, data=body, headers={"x-metriport-signature": digest}
    ) as response:
        assert response.status == 200
        assert await response.json() == {"pong": "abc"}
    return time.monotonic() - started
