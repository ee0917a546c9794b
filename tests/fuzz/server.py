"""The ingress on a port, in a thread with a loop of its own, with fake stores."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final

import structlog
from aiohttp import web
from structlog.testing import LogCapture

from consumers.processes.lifecycle import serve
from schemas.cloudevents import from_headers, to_headers
from service.bus.publisher import PublishError
from service.crypto.sealing import Sealer
from service.ingress.app import public_app
from service.ingress.records import OutRecord, Recorder
from service.settings.roles import IngressSettings
from tests.ingress.running import NOWHERE, FakePages, ingress_settings

_START_SECONDS: Final = 10.0
_KEPT: Final = 1_000


class Keeper:
    """A store that makes records durable by remembering them, after what a Kafka client does to them."""

    def __init__(self) -> None:
        self.fails = False
        self.records: deque[OutRecord] = deque(maxlen=_KEPT)

    async def keep(self, record: OutRecord) -> None:
        """See ``Durable.keep``."""
        headers = to_headers(record.attributes)
        record.key.encode()
        from_headers(headers)  # consumers can read what was written
        if self.fails:
            raise PublishError("told to")
        self.records.append(record)


class Logs(logging.Handler):
    """Everything that was logged, by us or by a library, as text."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._ours = LogCapture()
        self._others: deque[str] = deque(maxlen=_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """logging: one record of a library."""
        self._others.append(self.format(record))

    def text(self) -> str:
        """All of it."""
        return "\n".join([*map(repr, self._ours.entries), *self._others])

    def forget(self) -> None:
        """Start anew."""
        self._ours.entries.clear()
        self._others.clear()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the place of the console."""
        before, root = structlog.get_config(), logging.getLogger()
        structlog.configure(processors=[self._ours], cache_logger_on_first_use=False)
        root.addHandler(self)
        try:
            yield
        finally:
            root.removeHandler(self)
            structlog.configure(**before)


class Server:
    """A running ingress. Whoever talks to it blocks, or has a loop of their own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.keeper = Keeper()
        self.pages = FakePages()
        self.logs = Logs()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"


def application(settings: IngressSettings, keeper: Keeper, pages: FakePages) -> web.Application:
    """As the process puts it together, but for the stores."""
    return public_app(
        webhook_keys=settings.webhooks.keys.current,
        link_keys=settings.web.link_keys,
        recorder=Recorder(Sealer(settings.sealing.public_key), settings.sealing.mac_keys),
        durable=keeper,
        find_page=pages.find,
    )


@contextmanager
def started() -> Iterator[Server]:
    """Serve as the process does, from its settings to its limits."""
    settings = ingress_settings(NOWHERE)
    server = Server(settings.process.http_port)
    app = application(settings, server.keeper, server.pages)
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        stop = asyncio.Event()
        try:
            async with serve(app, "127.0.0.1", server.port):
                ready.set_result((asyncio.get_running_loop(), stop))
                await stop.wait()
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="ingress", daemon=True)
    with server.logs.listening():
        thread.start()
        loop, stop = ready.result(_START_SECONDS)
        try:
            yield server
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(_START_SECONDS)
    assert not thread.is_alive(), "the ingress did not stop"
