"""The same deployment against Metriport itself: an account, a public URL, and the webhook set up between them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.local.deployment import ROLES, Deployment, Told
from tests.local.settings import LocalSettings
from tests.stack.broker import Broker
from tests.stack.ports import free_ports
from tests.stack.processes import ProcessError

SANDBOX = "https://api.sandbox.metriport.com"
NEEDED = {
    "METRIPORT_API_KEY": "a key of the account: Metriport's dashboard, Developers (of its sandbox, not production)",
    "METRIPORT_FACILITY_ID": "a facility of the account: Metriport's dashboard, Settings",
    "PUBLIC_URL": "https://… that leads from the internet to this machine's INGRESS_PORT (8080): a tunnel such as"
    " `cloudflared tunnel --url http://localhost:8080`",
}
"""What a person has to give, and where it comes from."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whom to call, as whom, and how to be called back."""

    api_url: str
    api_key: str = field(repr=False)
    facility_id: str
    public_url: str
    ingress_port: int
    replace: bool

    @property
    def webhook_url(self) -> str:
        """Where Metriport is to send its webhooks."""
        return f"{self.public_url}/webhooks/metriport"


class MissingError(Exception):
    """What has to be given and was not, or is not usable; one line each."""


def account(environ: Mapping[str, str] = os.environ) -> Account:
    """The account that the environment names.

    Raises:
        MissingError: says everything that is missing, and where to get it.
    """
    lines = [
        f"{name} is missing: {where}" for name, where in NEEDED.items() if not environ.get(name)
    ]
    url, api_url = environ.get("PUBLIC_URL", ""), environ.get("METRIPORT_API_URL") or SANDBOX
    is_here = urlsplit(api_url).hostname in {"127.0.0.1", "localhost"}
    if url and urlsplit(url).scheme != "https" and not is_here:
        lines.append("PUBLIC_URL is not https: Metriport demands it of redirect URLs")
    port = environ.get("INGRESS_PORT", "8080")
    if not port.isdigit():
        lines.append("INGRESS_PORT is not a number")
    if lines:
        raise MissingError("\n".join(lines))
    return Account(
        api_url=api_url.rstrip("/"),
        api_key=environ["METRIPORT_API_KEY"],
        facility_id=environ["METRIPORT_FACILITY_ID"],
        public_url=url.rstrip("/"),
        ingress_port=int(port),
        replace=environ.get("REPLACE_WEBHOOK") == "true",
    )


@dataclass(frozen=True, kw_only=True)
class VendorSettings(LocalSettings):
    """Local settings whose vendor is Metriport."""

    account: Account
    key_file: Path
    shapes: Path

    @property
    def public_url(self) -> str:
        """Where Metriport and browsers reach the ingress."""
        return self.account.public_url

    @property
    def sandbox_url(self) -> str:
        """Metriport's API."""
        return self.account.api_url

    def _of(self, role: str) -> dict[str, str]:
        settings = super()._of(role)
        if settings.pop("METRIPORT_WEBHOOK_KEYS", None) is not None:
            settings["METRIPORT_WEBHOOK_KEYS_FILE"] = str(self.key_file)
        if role == "gateway":
            settings["METRIPORT_API_KEY"] = self.account.api_key
            settings["METRIPORT_FACILITY_ID"] = self.account.facility_id
        return settings | {"SHAPES_FOLDER": str(self.shapes)}


class VendorDeployment(Deployment):
    """A deployment without the double: instead the account's webhook is registered."""

    vendor_step = "Metriport: the account's webhook"

    def __init__(self, stack: Any, account: Account, **more: Any) -> None:
        super().__init__(stack, **more)
        self._account = account

    def start(self, tell: Told = lambda _: None) -> "VendorDeployment":
        """Start everything, then have Metriport ping us."""
        super().start(tell)
        tell("Metriport: its ping to the ingress")
        self.tool("webhooks", "verify", "--wait", "30")
        return self

    def start_sandbox(self) -> None:
        """Register the webhook, which makes the key that ingress and consumers start with."""
        settings = self._vendor()
        replace = ["--replace"] if self._account.replace else []
        self.tool(
            *("webhooks", "register", self._account.webhook_url, *replace),
            *("--key-file", str(settings.key_file)),
        )

    def tool(self, *arguments: str) -> str:
        """Run one of our tools with the settings of every role; what it said.

        Raises:
            ProcessError: it did not end with 0.
        """
        said, code = self.told_by(*arguments)
        if code != 0:
            raise ProcessError(f"metriport-ias {' '.join(arguments[:2])}:\n{said}")
        return said

    def told_by(self, *arguments: str, piped: str = "") -> tuple[str, int]:
        """What one of our tools said to what was piped in, and its exit code."""
        environment = self.environment("gateway") | self.environment("tools")
        environment |= self.environment("consumers") if self._vendor().key_file.exists() else {}
        process = subprocess.run(
            [sys.executable, "-m", "consumers", *arguments],
            env=environment,
            cwd=self.root,
            input=piped,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return process.stdout + process.stderr, process.returncode

    def _vendor(self) -> VendorSettings:
        assert isinstance(self.settings, VendorSettings)
        return self.settings

    def _settings(self, broker: Broker) -> VendorSettings:
        shapes = self.folder / "shapes"
        shapes.mkdir(exist_ok=True)
        return VendorSettings(
            account=self._account,
            key_file=self.folder / "webhook-keys",
            shapes=shapes,
            ingress_port=self._account.ingress_port,
            sandbox_port=0,
            internal_ports=dict(zip(ROLES, free_ports(len(ROLES)), strict=True)),
            return_url=f"http://{self.application_host}:{self._return_port}/return",
            bootstrap_servers=broker.bootstrap_servers,
        )
