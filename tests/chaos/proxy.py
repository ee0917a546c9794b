"""A TCP proxy that makes the network between one process and one server bad in a chosen way.

It runs in a thread with a loop of its own, so that it passes bytes also while the test's main thread waits
for a process; ``become`` may be called from any thread. What it does by chance comes from the seed.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Coroutine
from enum import StrEnum
from typing import Any, Final, Self

from tests.stack.ports import LOOPBACK

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_CHUNK: Final = 64 * 1024


class Weather(StrEnum):
    """How the network behaves, for connections that stand and for new ones."""

    FAIR = "fair"
    SLOW = "slow"
    """Every piece waits for ``delay`` seconds, give or take half."""
    RESETTING = "resetting"
    """Connections are reset, those that stand at once, new ones after some bytes."""
    HALF_OPEN = "half-open"
    """The server's end is gone, the client's stays: connects are taken, nothing ever answers."""
    BLACKHOLE = "blackhole"
    """Bytes vanish on their way, in both directions; connections stay as they are."""
    REFUSING = "refusing"
    """Nobody listens: connects are refused, and what stood is reset."""


class Proxy:
    """One listening port in front of one port of this machine."""

    def __init__(self, name: str, port: int, upstream: int, rng: random.Random) -> None:
        self.name = name
        self.port = port
        self._upstream = upstream
        self._rng = rng
        self._server: asyncio.Server | None = None
        self._pipes: set[_Pipe] = set()
        self.weather = Weather.FAIR
        self.delay = 0.0

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def close(self) -> None:
        """Stop listening and reset everything."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for pipe in list(self._pipes):
            pipe.reset()

    async def change(self, weather: Weather, delay: float) -> None:
        """Behave so from now on. What hung is reset when the weather turns fair, as a network does."""
        hung = self.weather in {Weather.HALF_OPEN, Weather.BLACKHOLE}
        self.weather, self.delay = weather, delay
        if weather is Weather.REFUSING:
            await self.close()
        elif self._server is None:
            await self.open()
        for pipe in list(self._pipes):
            if weather is Weather.RESETTING or (weather is Weather.FAIR and hung):
                pipe.reset()
            elif weather is Weather.HALF_OPEN:
                pipe.lose_server()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pipe = _Pipe(self, writer)
        self._pipes.add(pipe)
        try:
            await pipe.run(reader)
        except (OSError, asyncio.IncompleteReadError):
            pipe.reset()
        finally:
            self._pipes.discard(pipe)
            pipe.close()

    def patience(self) -> float:
        """Seconds that the next piece waits."""
        return self.delay * self._rng.uniform(0.5, 1.5)


class _Pipe:
    """Both ends of one connection."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._ends = [client]
        self._is_half = False

    async def run(self, reader: asyncio.StreamReader) -> None:
        while self._proxy.weather in {Weather.HALF_OPEN, Weather.BLACKHOLE}:
            await asyncio.sleep(0.1)  # taken, and nothing more
        up_reader, up = await asyncio.open_connection(LOOPBACK, self._proxy._upstream)  # noqa: SLF001 - its own half
        self._ends.append(up)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._copy(reader, up))
            group.create_task(self._copy(up_reader, self._ends[0]))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                match self._proxy.weather:
                    case Weather.HALF_OPEN | Weather.BLACKHOLE:
                        continue
                    case Weather.RESETTING:
                        self.reset()
                        return
                    case Weather.SLOW:
                        await asyncio.sleep(self._proxy.patience())
                    case _:
                        pass
                writer.write(data)
                await writer.drain()
        if not self._is_half:
            self.close()

    def reset(self) -> None:
        for writer in self._ends:
            _abort(writer)

    def lose_server(self) -> None:
        self._is_half = True
        for writer in self._ends[1:]:
            _abort(writer)

    def close(self) -> None:
        for writer in self._ends:
            writer.close()


def _abort(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        writer.transport.abort()


async def _end_all_others() -> None:
    """Cancel every task of this loop but this one, and wait for it."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Proxies:
    """All proxies of a deployment, and the thread that they live in. A part of a ``Stack``."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._by_name: dict[str, Proxy] = {}

    def start(self) -> Self:
        """Start the thread; proxies are added afterwards."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Reset everything and end the thread."""
        if self._thread.is_alive():
            for proxy in self._by_name.values():
                self._do(proxy.close())
            self._do(_end_all_others())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5.0)
            self._loop.close()

    def add(self, name: str, port: int, upstream: int) -> None:
        """Listen on ``port`` for the server at ``upstream``."""
        proxy = Proxy(name, port, upstream, random.Random(self._rng.random()))
        self._do(proxy.open())
        self._by_name[name] = proxy

    def become(self, names: str, weather: Weather, delay: float = 0.0) -> None:
        """Change every proxy whose name begins so; none is a mistake of the caller's."""
        found = [proxy for name, proxy in self._by_name.items() if name.startswith(names)]
        if not found:
            raise KeyError(names)
        for proxy in found:
            self._do(proxy.change(weather, delay))

    def all_fair(self) -> None:
        """Whatever was, is over."""
        for proxy in self._by_name.values():
            if proxy.weather is not Weather.FAIR:
                self._do(proxy.change(Weather.FAIR, 0.0))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10.0)
