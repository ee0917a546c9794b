"""The public application in a process, with a store that takes as long as it is told.

``python -m tests.overload.server PORT SECONDS``
"""

import asyncio
import sys

from consumers.processes.lifecycle import serve
from schemas.ids import OpenId
from service.crypto.sealing import Sealer
from service.ingress.app import public_app
from service.ingress.records import OutRecord, Recorder
from service.store.hosted_pages import HostedPage
from service.telemetry import logs
from tests.overload import keys


class Slow:
    """Keeps a record for some seconds and calls it durable; says how many large ones it has at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._large = 0

    async def keep(self, record: OutRecord) -> None:
        is_large = len(record.value or b"") > keys.MIB
        self._large += is_large
        if is_large:
            print(f"large bodies at once: {self._large}", flush=True)
        await asyncio.sleep(self._seconds)
        self._large -= is_large
        assert record.value


async def no_page(open_id: OpenId) -> HostedPage | None:  # noqa: ARG001 - the protocol's name
    return None


async def run(port: int, seconds: float) -> None:
    app = public_app(
        webhook_keys=lambda: (keys.WEBHOOK_KEY.encode(),),
        link_keys=keys.LINK_KEYS,
        recorder=Recorder(Sealer(keys.SEALING_KEY), keys.MAC_KEYS),
        durable=Slow(seconds),
        find_page=no_page,
    )
    async with serve(app, "127.0.0.1", port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    logs.configure("json", "info")
    asyncio.run(run(int(sys.argv[1]), float(sys.argv[2])))
