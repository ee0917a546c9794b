"""The public application in a process, as its environment says, with a store that remembers a little.

``python -m tests.soak.ingress``; whoever starts it gives it the keys (``ingress_environ``). It logs as in
production, so that a leak into a log is found in its output.
"""

import asyncio
import os

from consumers.processes.lifecycle import serve
from service.settings.roles import IngressSettings, Role, load
from service.telemetry import logs
from tests.fuzz.server import Keeper, application
from tests.ingress.running import FakePages


async def run() -> None:
    """Serve until the process is ended."""
    settings = load(Role.INGRESS, os.environ)
    assert isinstance(settings, IngressSettings)
    app = application(settings, Keeper(), FakePages())
    async with serve(app, "127.0.0.1", settings.process.http_port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    logs.configure("json", "info")
    asyncio.run(run())
