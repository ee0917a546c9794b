"""An ingress with its real routes, whose webhook keys follow a file and whose records stay in memory."""

import base64
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp.test_utils import TestServer

from service.bus.packing import unpack
from service.bus.publisher import PublishError
from service.crypto.sealing import Sealer, place
from service.ingress.app import public_app
from service.ingress.records import OutRecord, Recorder
from service.settings.keyfile import WebhookKeys
from tests.ingress.opening import KEYS, LINK_KEYS, MAC_KEYS, OPENER
from tests.ingress.running import WEBHOOK_PATH, FakePages

NO_KEY_YET = "a-key-that-nobody-signs-with"
LARGEST = 32 * 1024 * 1024


@dataclass
class Receiver:
    """One running ingress; ``install`` is what mounting the secret is."""

    keys: Path
    url: str = ""
    records: list[OutRecord] = field(default_factory=list)
    takes: bool = True

    def install(self, written: Path) -> None:
        """Give it the file that the command wrote."""
        fresh = self.keys.with_suffix(".fresh")
        fresh.write_bytes(written.read_bytes())
        fresh.replace(self.keys)

    def forget_keys(self) -> None:
        """As before the vendor had made one."""
        self.keys.write_text(NO_KEY_YET, encoding="utf-8")

    async def keep(self, record: OutRecord) -> None:
        """See ``Durable.keep``."""
        if not self.takes:
            raise PublishError("nowhere to keep it")
        self.records.append(record)

    def bodies(self) -> list[bytes]:
        """What was kept, opened with keys that the ingress does not have."""
        return [_body(record) for record in self.records]


def _body(record: OutRecord) -> bytes:
    value, attributes = record.value, record.attributes
    if "sealedfor" in attributes.extensions:
        value = OPENER.open(value, place(record.topic, attributes.type, attributes.id))
    return unpack(value, attributes.content_encoding, LARGEST)


@asynccontextmanager
async def receiving(keys: Path) -> AsyncIterator[Receiver]:
    """A receiver that looks at its key file for every webhook: its clock is always a second on."""
    seconds = itertools.count(1.0)
    receiver = Receiver(keys)
    receiver.forget_keys()
    app = public_app(
        webhook_keys=WebhookKeys((NO_KEY_YET,), keys, lambda: next(seconds)).current,
        link_keys=LINK_KEYS,
        recorder=Recorder(Sealer(base64.b64decode(KEYS["SEALING_PUBLIC_KEY"])), MAC_KEYS),
        durable=receiver,
        find_page=FakePages().find,
    )
    async with TestServer(app) as server:
        receiver.url = str(server.make_url(WEBHOOK_PATH))
        yield receiver
