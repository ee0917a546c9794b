"""Keys before, during and after a rotation, and what there is to rotate."""

import asyncio
import base64
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from consumers.reencrypt import Keys
from service.crypto.keys import KeyRing
from service.crypto.sealing import Opener, Sealer
from service.settings.secret import Secret
from service.store.pool import Database, open_database
from service.store.unit import Vault
from tests.local.deployment import ROOT
from tests.stack.postgres import EmbeddedPostgres
from tests.support.plugin import SERVICE_ROLE
from tests.support.settings import ENCRYPTION_KEY, SEALING_PRIVATE_KEY, SEALING_PUBLIC_KEY

NEW_KEY = hashlib.sha256(b"tests: data at rest, next").digest()
NEW_PRIVATE_KEY = hashlib.sha256(b"tests: sealing, next").digest()
NEW_PUBLIC_KEY = (
    X25519PrivateKey.from_private_bytes(NEW_PRIVATE_KEY).public_key().public_bytes_raw()
)
OLD, BOTH, NEW = (
    KeyRing((ENCRYPTION_KEY,)),
    KeyRing((NEW_KEY, ENCRYPTION_KEY)),
    KeyRing((NEW_KEY,)),
)
OLD_SEALER, NEW_SEALER = Sealer(SEALING_PUBLIC_KEY), Sealer(NEW_PUBLIC_KEY)
NEW_OPENER = Opener((NEW_PRIVATE_KEY,))
BOTH_OPENER = Opener((NEW_PRIVATE_KEY, SEALING_PRIVATE_KEY))
KEYS = Keys(BOTH, BOTH_OPENER, NEW_SEALER)
OLD_ID, NEW_ID = OLD.newest[0].hex(), NEW.newest[0].hex()


@dataclass(frozen=True)
class Opening:
    """Opens one database with other keys."""

    postgres: EmbeddedPostgres
    name: str

    @property
    def url(self) -> str:
        """As a process of the service would be given it."""
        return self.postgres.dsn(self.name, user=SERVICE_ROLE)

    @asynccontextmanager
    async def with_keys(self, ring: KeyRing) -> AsyncIterator[Database]:
        """The database as a process with this ring sees it."""
        async with open_database(Secret(self.url), 4, Vault(ring)) as opened:
            yield opened


def environment(opening: Opening, *keys: bytes) -> dict[str, str]:
    """What ``metriport-ias reencrypt`` needs, with these ``ENCRYPTION_KEYS`` and a new public key."""

    def text(*raw: bytes) -> str:
        return ",".join(base64.b64encode(key).decode() for key in raw)

    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": opening.url,
        "ENCRYPTION_KEYS": text(*keys),
        "SEALING_PRIVATE_KEYS": text(NEW_PRIVATE_KEY, SEALING_PRIVATE_KEY),
        "SEALING_PUBLIC_KEY": text(NEW_PUBLIC_KEY),
    }


async def command(
    opening: Opening, keys: tuple[bytes, ...], *more: str
) -> asyncio.subprocess.Process:
    """The command as a process of its own."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumers", "reencrypt", *more),
        env=environment(opening, *keys),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
