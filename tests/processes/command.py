"""The tools of the command line as a person on call runs them: processes beside a running deployment."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.local.deployment import ROOT, Deployment

SECRETS = (
    "METRIPORT_API_KEY",
    "METRIPORT_WEBHOOK_KEYS",
    "ENCRYPTION_KEYS",
    "SEALING_PRIVATE_KEYS",
    "CALLBACK_MAC_KEYS",
    "LINK_KEYS",
    "AUDIT_SIGNING_KEY",
)


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int | None
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one JSON document."""
        return json.loads(self.out)


def everything(deployment: Deployment) -> dict[str, str]:
    """The settings of every role, as somebody who looks after all of them has them."""
    return (
        deployment.environment("tools")
        | deployment.environment("gateway")
        | deployment.environment("consumers")
    )


async def command(
    deployment: Deployment, *arguments: str, more: Mapping[str, str | None] | None = None
) -> Ended:
    """Run one; ``more`` changes its settings, ``None`` takes one away."""
    environment = {
        name: value
        for name, value in (everything(deployment) | dict(more or {})).items()
        if value is not None
    }
    return await started(environment, *arguments, root=deployment.root)


async def started(environment: Mapping[str, str], *arguments: str, root: Path = ROOT) -> Ended:
    """Run one with these settings and no other. I7: it never says a secret."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumers", *arguments),
        env=environment,
        cwd=root,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    ended = Ended(process.returncode, out.decode(), err.decode())
    for name in SECRETS:
        for secret in environment.get(name, "").split(","):
            assert not secret or secret not in ended.out + ended.err, name
    return ended
