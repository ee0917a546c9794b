"""The lines that calls are made on: a server, proxies in front of it, a client for each."""

import asyncio
import os
import random
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from service.gateway.client import VendorClient
from service.gateway.outcome import Outcome
from service.settings.metriport import Metriport
from tests.cutting.calls import API_KEY, CALLS, marked
from tests.cutting.certificates import Certificate, self_signed
from tests.cutting.dead_ends import full_queue, held_port
from tests.cutting.proxy import How, Proxy, proxied
from tests.cutting.recorder import STARTED, Recorder, answer, recording
from tests.support.settings import metriport

from .cut_schedules import Kind, Schedule

Opened = Callable[[Metriport], AbstractAsyncContextManager[VendorClient]]
KEEPS: Final = answer("200 OK", b"{}", "Connection: keep-alive", "Keep-Alive: timeout=60")


class Line(NamedTuple):
    """How a kind of schedule is laid out: so many calls at once, each given up after ``seconds``."""

    tls: bool = False
    keeps_open: bool = False
    seconds: float = 20
    lanes: int = 4


PLAIN: Final = Line()
_HANDSHAKE_SECONDS: Final = 0.3
"""The server learns of a TLS connection only when its handshake is over."""
LINES: Final = {
    Kind.TLS: Line(tls=True),
    Kind.SOUND_TLS: Line(tls=True),
    Kind.KEPT: Line(keeps_open=True),
    Kind.SOUND_KEPT: Line(keeps_open=True),
    Kind.HALF_OPEN: Line(seconds=0.5, lanes=32),
    Kind.NEVER_ACCEPTED: Line(seconds=0.5, lanes=16),
}
"""Half-open takes its whole time limit, so many wait at once; all others end long before theirs."""


@dataclass
class Lane:
    """One call at a time through a proxy of its own."""

    proxy: Proxy
    client: VendorClient

    async def make(self, schedule: Schedule, number: int) -> Outcome:
        """The call of a schedule, under this number."""
        self.proxy.in_single_bytes = schedule.singly
        self.proxy.cut = schedule.cut
        request = marked(CALLS[schedule.operation], number)
        if schedule.kind is Kind.KEPT:
            await self._before(schedule, number)
        return await self.client.call(schedule.operation, request)

    async def _before(self, schedule: Schedule, number: int) -> None:
        """A call that leaves its connection behind, for some to die idle and some in use."""
        await self.client.call(schedule.operation, marked(CALLS[schedule.operation], 0))
        self.proxy.cut = None
        if number % 2:
            for end in list(self.proxy.open):
                end.close(random.Random(number).choice(list(How)))


@asynccontextmanager
async def laid(
    kind: Kind, certificate: Certificate, opened: Opened
) -> AsyncIterator[tuple[list[Lane], Recorder]]:
    """The server and the lanes for one kind of schedule; at its end nothing more can arrive."""
    line = LINES.get(kind, PLAIN)
    async with AsyncExitStack() as servers:
        tls = certificate.server if line.tls else None
        recorder = await servers.enter_async_context(recording(tls))
        recorder.keeps_open = line.keeps_open
        recorder.answer = KEEPS if line.keeps_open else STARTED
        dead = servers.enter_context(_dead_end(kind))
        proxies = [
            await servers.enter_async_context(proxied(recorder.port)) for _ in range(line.lanes)
        ]
        async with AsyncExitStack() as clients:
            lanes = []
            for proxy in proxies:
                url = dead or proxy.url("https" if line.tls else "http")
                settings = metriport(url, API_KEY, "facility", line.seconds)
                lanes.append(Lane(proxy, await clients.enter_async_context(opened(settings))))
            yield lanes, recorder
        await _over(proxies, recorder, tls=line.tls)


async def _over(proxies: list[Proxy], recorder: Recorder, *, tls: bool) -> None:
    """Wait until every connection is over and was read to its end."""
    for proxy in proxies:
        await proxy.idle()
    if not tls:
        await recorder.idle(sum(proxy.dialled for proxy in proxies))
        return
    await asyncio.sleep(_HANDSHAKE_SECONDS)
    await recorder.idle()


@contextmanager
def _dead_end(kind: Kind) -> Iterator[str | None]:
    """Where calls go that never reach a proxy."""
    if kind not in (Kind.REFUSED, Kind.NEVER_ACCEPTED):
        yield None
        return
    with held_port() if kind is Kind.REFUSED else full_queue() as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def trusted() -> Iterator[Certificate]:
    """A certificate that clients opened meanwhile trust."""
    before = os.environ.get("SSL_CERT_FILE")
    with tempfile.TemporaryDirectory() as folder:
        certificate = self_signed(Path(folder))
        os.environ["SSL_CERT_FILE"] = str(certificate.path)
        try:
            yield certificate
        finally:
            os.environ.pop("SSL_CERT_FILE")
            if before is not None:
                os.environ["SSL_CERT_FILE"] = before
