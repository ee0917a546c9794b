"""An ingress in a process, attackers in others, and a good client here."""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from tests.overload import keys
from tests.stack.ports import free_port
from tests.stack.processes import Supervised

ROOT = Path(__file__).parent.parent.parent
_ENV = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


@dataclass(frozen=True)
class Server:
    """A running ingress."""

    process: Supervised
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{keys.PATH}"

    @property
    def peak_mib(self) -> float:
        """The most memory that it ever had resident."""
        return memory_mib(self.process.pid, "VmHWM")

    @property
    def now_mib(self) -> float:
        return memory_mib(self.process.pid, "VmRSS")


def memory_mib(pid: int, name: str) -> float:
    """``VmRSS`` (now) or ``VmHWM`` (the most ever) of a process, as proc(5) counts them."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


@contextmanager
def ingress(folder: Path, *, store_seconds: float = 0.0) -> Iterator[Server]:
    """An ingress whose store takes so long."""
    port = free_port()
    with served(folder, port, "tests.overload.server", str(port), str(store_seconds)) as server:
        yield server


@contextmanager
def served(
    folder: Path, port: int, *module: str, environ: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A module that serves the ingress at the port, in a process of its own; its log is in the folder."""
    env, log = {**_ENV, **(environ or {})}, folder / "ingress.log"
    command = [sys.executable, "-m", *module]
    with Supervised("ingress", command, env=env, log_path=log, cwd=ROOT) as process:
        process.wait_ready(lambda: _listens(port))
        yield Server(process, port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@asynccontextmanager
async def attacked(
    port: int, kind: str, count: int, seconds: float, key: str = keys.WEBHOOK_KEY
) -> AsyncIterator[Any]:
    """Attack while the block runs, and to the attack's end; ``ends`` and ``slowest`` come after it."""
    told: dict[str, Any] = {}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.overload.attacker", kind, str(port), str(count), str(seconds)),
        env=_ENV | {"OVERLOAD_WEBHOOK_KEY": key},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield told
        async with asyncio.timeout(seconds + 20):
            output, _ = await process.communicate()
        told.update(json.loads(output))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@dataclass
class GoodClient:
    """Sends signed webhooks and pings in turn, and notes how long each answer took."""

    url: str
    webhooks: list[float] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)

    async def run(self, seconds: float, *, new_connections: bool = True) -> None:
        """One after the other, for so long; on a new connection each, as a stranger has to."""
        headers = {"connection": "close"} if new_connections else {}
        end = time.monotonic() + seconds
        async with ClientSession() as session:
            while time.monotonic() < end:
                await self._send(session, keys.webhook(), headers, self.webhooks)
                await self._send(session, keys.ping(), headers, self.pings)
                await asyncio.sleep(0.02)

    async def _send(
        self, session: ClientSession, body: bytes, more: dict[str, str], taken: list[float]
    ) -> None:
        begun = time.monotonic()
        headers = {"x-metriport-signature": keys.sign(body), **more}
        async with session.post(self.url, data=body, headers=headers) as response:
            await response.read()
        taken.append(time.monotonic() - begun)
        if response.status != 200:
            self.wrong.append(response.status)

    def report(self, name: str) -> str:
        parts = (("webhook", self.webhooks), ("ping", self.pings))
        shown = (
            f"{kind} n={len(taken)} p50={at(taken, 0.5):.1f} p99={at(taken, 0.99):.1f} "
            f"max={at(taken, 1.0):.1f} ms"
            for kind, taken in parts
        )
        return f"{name}: " + "; ".join(shown)


def at(taken: list[float], share: float) -> float:
    """A percentile in milliseconds."""
    ordered = sorted(taken)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000
