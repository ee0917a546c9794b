"""Clients that give up half way: after the head, in the middle of the body, or before they read the answer.

Each sends a signed webhook of its own on a connection of its own, and then closes it or resets it. Whether
such a webhook is kept is the server's choice: nobody was told anything.
"""

import asyncio
import hashlib
import hmac
import random
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tests.bench.wire import requests
from tests.soak.deliveries import Sent
from tests.stack.ports import LOOPBACK

HOW: Final = ("head", "body", "answer")
"""What was the last thing to happen."""

_MOMENT: Final = 0.05
"""Seconds at most between what was sent and the end: a server reads, or works, or waits by then."""

_RESETS: Final = struct.pack("ii", 1, 0)
"""``SO_LINGER`` for no time at all: the close is a reset."""

PATIENCE_SECONDS: Final = 10.0


def cut(request: bytes, how: str) -> bytes:
    """As much of a request as its client sends."""
    head = request.index(b"\r\n\r\n") + 4
    ends = {"head": head, "body": (head + len(request)) // 2, "answer": len(request)}
    return request[: ends[how]]


@dataclass
class GivingUp:
    """Clients of a port that knows this key. ``done`` counts those that reached it and gave up."""

    port: int
    key: str
    rng: random.Random
    done: dict[str, int] = field(default_factory=lambda: dict.fromkeys(HOW, 0))
    not_connected: int = 0

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.done.values())

    async def run(self, sent: Iterator[Sent], many: int, seconds: float) -> None:
        """So many, spread over so long; returns when the last one has gone."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in range(many):
                await asyncio.sleep(max(start + number * seconds / many - loop.time(), 0.0))
                group.create_task(self._one(next(sent).body, HOW[number % len(HOW)]))

    async def _one(self, body: bytes, how: str) -> None:
        signature = hmac.new(self.key.encode(), body, hashlib.sha256).hexdigest().encode()
        (request,) = requests([(signature, body)])
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._sent_and_left(cut(request, how))
        except OSError:  # a timeout is one
            self.not_connected += 1
        else:
            self.done[how] += 1

    async def _sent_and_left(self, part: bytes) -> None:
        _, writer = await asyncio.open_connection(LOOPBACK, self.port)
        try:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(self.rng.random() * _MOMENT)
        finally:
            if self.rng.random() < 1 / 2:
                peer: socket.socket = writer.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETS)
            writer.close()
            with suppress(OSError):  # it may have been cut off from the other side
                await writer.wait_closed()
