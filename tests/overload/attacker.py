"""Many connections that do no good, from a process of their own; what became of them, as JSON.

``python -m tests.overload.attacker KIND PORT COUNT SECONDS``
"""

import asyncio
import json
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

from tests.overload import keys

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_AT_ONCE = 250
_HALF_HEAD = b"POST /webhooks/metriport HTTP/1.1\r\nHost: ingress.example\r\nX-Slow: "


class End(NamedTuple):
    """How one connection ended: its status, `closed` without one, `held` or `refused`."""

    how: str
    seconds: float


async def _silent(_: Streams) -> None:
    await asyncio.Event().wait()


async def _stuck_head(streams: Streams) -> None:
    """Half a head, and then nothing."""
    streams[1].write(_HALF_HEAD)
    await asyncio.Event().wait()


async def _half_head(streams: Streams) -> None:
    """A head that grows by a byte a second and never ends."""
    streams[1].write(_HALF_HEAD)
    while True:
        await asyncio.sleep(1)
        streams[1].write(b"z")


async def _drip(streams: Streams) -> None:
    """A body of a ping's size that grows by a byte every tenth of a second."""
    streams[1].write(keys.request(b"", announced=2_000))
    while True:
        await asyncio.sleep(0.1)
        streams[1].write(b"z")


async def _drip_large(streams: Streams) -> None:
    """The same, announced as the largest body that there may be."""
    streams[1].write(keys.request(b"", announced=32 * keys.MIB))
    while True:
        await asyncio.sleep(0.1)
        streams[1].write(b"z")


LARGE = {"largest": 32 * keys.MIB, "just_large": 9 * keys.MIB}

KINDS: dict[str, Callable[[Streams], Awaitable[None]]] = {
    "silent": _silent,
    "stuck_head": _stuck_head,
    "half_head": _half_head,
    "drip": _drip,
    "drip_large": _drip_large,
}


async def _one(kind: str, port: int, until: float, gate: asyncio.Semaphore) -> End:
    async with gate:
        try:
            streams = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return End("refused", 0.0)
    begun = time.monotonic()
    sending = asyncio.ensure_future(KINDS[kind](streams))
    try:
        async with asyncio.timeout_at(until):
            line = await streams[0].readline()
        how = line.split()[1].decode() if line else "closed"
    except TimeoutError:
        how = "held"
    except ConnectionError:
        how = "closed"
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await sending
        streams[1].transport.abort()
    return End(how, time.monotonic() - begun)


def _large(port: int, request: bytes, seconds: float) -> End:
    """One large webhook, signed, as fast as it is taken; from a thread, for speed."""
    begun, sent, view = time.monotonic(), 0, memoryview(request)
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        try:
            while sent < len(view) and not select.select([connection], [], [], 0)[0]:
                sent += connection.send(view[sent : sent + 256 * 1024])
            line = connection.recv(64)
        except TimeoutError:
            return End("held", time.monotonic() - begun)
        except ConnectionError:
            return End("closed", time.monotonic() - begun)
    return End(line.split()[1].decode() if line else "closed", time.monotonic() - begun)


async def _many_large(size: int, port: int, count: int, seconds: float) -> list[End]:
    request, loop = keys.request(keys.large(size)), asyncio.get_running_loop()
    with ThreadPoolExecutor(count) as threads:
        ends = (loop.run_in_executor(threads, _large, port, request, seconds) for _ in range(count))
        return await asyncio.gather(*ends)


async def _many(kind: str, port: int, count: int, seconds: float) -> list[End]:
    gate, until = asyncio.Semaphore(_AT_ONCE), asyncio.get_running_loop().time() + seconds
    return await asyncio.gather(*(_one(kind, port, until, gate) for _ in range(count)))


async def attack(kind: str, port: int, count: int, seconds: float) -> dict[str, object]:
    if kind in LARGE:
        ends = await _many_large(LARGE[kind], port, count, seconds)
    else:
        ends = await _many(kind, port, count, seconds)
    slowest: dict[str, float] = {}
    for end in ends:
        slowest[end.how] = max(slowest.get(end.how, 0.0), round(end.seconds, 3))
    return {"ends": Counter(end.how for end in ends), "slowest": slowest}


if __name__ == "__main__":
    _kind, _port, _count, _seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(attack(_kind, int(_port), int(_count), float(_seconds)))))
