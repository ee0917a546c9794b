"""A deployment whose keys an operator changes, with the product's own commands and as deploy/README.md has it.

The webhook keys are in a file that every process reads again when it changes. All others are in the environment: who
starts after a change has the new ones.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from consumers.webhook_setup.key_file import KeyFile
from tests.local.deployment import Deployment
from tests.local.settings import fresh_keys
from tests.soak import apart
from tests.soak.rolling import MORE, ROLES
from tests.stack.kafka import ApacheKafka
from tests.stack.lifetime import Stack
from tests.stack.ports import free_port
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.processes import ProcessError

WEBHOOK: Final = "METRIPORT_WEBHOOK_KEYS"
AT_REST: Final = "ENCRYPTION_KEYS"
OPENING: Final = "SEALING_PRIVATE_KEYS"
SEALING: Final = "SEALING_PUBLIC_KEY"
_VENDOR: Final = ("METRIPORT_API_URL", "METRIPORT_API_KEY", "METRIPORT_FACILITY_ID")
_COMMAND_SECONDS: Final = 120.0


class Keyed(Deployment):
    """Ingress, consumers, and the vendor's double, which makes another key when it is asked to as its docs say."""

    roles = ROLES

    def __init__(self, stack: Stack, servers: tuple[EmbeddedPostgres, ApacheKafka]) -> None:
        super().__init__(
            stack,
            return_port=free_port(),
            servers=servers,
            name="keys",
            more=MORE,
            sandbox_options=("--quiet", "--key-rotation", "renewed"),
        )

    @property
    def webhook_keys(self) -> tuple[str, ...]:
        """What the file has, newest first."""
        return KeyFile(self._key_file).keys()

    def start_sandbox(self) -> None:
        """The double, and the file of its key."""
        KeyFile(self._key_file).put(self.settings.webhook_key)
        super().start_sandbox()

    def environment(self, role: str) -> dict[str, str]:
        """As usual, but for the webhook keys."""
        given = super().environment(role)
        del given[WEBHOOK]
        return given | {f"{WEBHOOK}_FILE": str(self._key_file)}

    async def rotate_webhook_key(self) -> str:
        """``metriport-ias webhooks rotate-key``; the new key, which the vendor has from now on."""
        vendor = self.settings.environment("gateway", "")
        given = {name: vendor[name] for name in _VENDOR}
        options = ("webhooks", "rotate-key", "--key-file", str(self._key_file))
        code, said = await _command(given, *options)
        if code:
            raise ProcessError(f"rotate-key ended with {code}:\n{said}")
        return self.webhook_keys[0]

    def withdraw_webhook_keys(self) -> None:
        """Take all but the newest out of the file, as a secret that is mounted anew: whole, and at once."""
        newest, fresh = self.webhook_keys[0], self._key_file.with_suffix(".fresh")
        fresh.touch(mode=0o600)
        fresh.write_text(f"{newest}\n", encoding="utf-8")
        fresh.replace(self._key_file)

    async def fresh_keys(self) -> Mapping[str, str]:
        """``metriport-ias keys``."""
        return await asyncio.to_thread(fresh_keys)

    def give(self, **keys: str) -> None:
        """Who starts from now on has these keys."""
        self.settings = replace(self.settings, keys={**self.settings.keys, **keys})

    async def reencrypt(self) -> tuple[int, str]:
        """``metriport-ias reencrypt`` with the keys of now; its exit code, and what it said."""
        names = (AT_REST, OPENING, SEALING)
        given = {name: self.settings.keys[name] for name in names}
        url = self.postgres.dsn(self.database, user="ias_service_login")
        return await _command(given | {"DATABASE_URL": url}, "reencrypt")

    @property
    def _key_file(self) -> Path:
        return self.folder / "webhook-keys"


async def _command(given: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    env = {"PATH": os.environ.get("PATH", ""), **given}
    within = _COMMAND_SECONDS
    return await apart.python("consumers", *arguments, within=within, env=env, errors=True)
