"""A TCP proxy that can swallow either direction without closing anything: a black hole."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Target = Callable[[], int]


class Proxy:
    """Forwards each connection to the port that ``target`` names then; ``answers`` and ``questions`` can be
    switched off."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()
        self.questions = asyncio.Event()
        self.answers = asyncio.Event()
        self.open()
        self.port = 0

    def open(self) -> None:
        """Let everything through, also what was held back."""
        self.questions.set()
        self.answers.set()

    def swallow(self) -> None:
        """Let nothing through from now on."""
        self.questions.clear()
        self.answers.clear()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; reset when nobody takes it, as it would be without us."""
        try:
            up = await asyncio.open_connection("127.0.0.1", self._target())
        except OSError:
            writer.transport.abort()
            return
        for source, sink, gate in (
            (reader, up[1], self.questions),
            (up[0], writer, self.answers),
        ):
            task = asyncio.create_task(_pump(source, sink, gate))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End every connection."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, gate: asyncio.Event
) -> None:
    try:
        while data := await source.read(65536):
            await gate.wait()
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        sink.close()


@asynccontextmanager
async def proxied(target: Target) -> AsyncIterator[Proxy]:
    """A proxy on a free port of its own."""
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
