"""Throw-away keys and the environment of each role. Nothing here is worth stealing."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

API_KEY = "c2FuZGJveC1rZXk6bG9jYWwtYWNjb3VudA=="
FACILITY_ID = "0199a001-2b7c-7d10-8e55-0c1d2e3f4a5b"


def fresh_keys() -> dict[str, str]:
    """A set of keys, made as an operator would make them."""
    command = [sys.executable, "-m", "consumers", "keys"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(line.split("=", 1) for line in printed.splitlines())


@dataclass(frozen=True, kw_only=True)
class LocalSettings:
    """What one local deployment is made of; ``more`` is added to every role's environment."""

    ingress_port: int
    internal_ports: Mapping[str, int]
    sandbox_port: int
    return_url: str
    bootstrap_servers: str
    vendor_host: str = "127.0.0.1"
    topic_prefix: str = ""
    webhook_key: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    keys: Mapping[str, str] = field(default_factory=fresh_keys, repr=False)
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def public_url(self) -> str:
        """Where browsers reach the ingress."""
        return f"http://127.0.0.1:{self.ingress_port}"

    @property
    def sandbox_url(self) -> str:
        """Where the double listens."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def hosted_url(self) -> str:
        """Where browsers reach the double's hosted pages."""
        return f"http://{self.vendor_host}:{self.sandbox_port}"

    def environment(self, role: str, database_url: str) -> dict[str, str]:
        """The environment of one role: only what it needs."""
        base = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONUNBUFFERED": "1",
            "LOG_FORMAT": "console",
            "DRAIN_DELAY": "0",
            "DATABASE_URL": database_url,
            "HTTP_PORT": str(self.ingress_port),
            "INTERNAL_PORT": str(self.internal_ports.get(role, 1)),
        }
        return base | self._of(role) | dict(self.more)

    def _of(self, role: str) -> dict[str, str]:
        kafka = {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": self.topic_prefix,
            "KAFKA_SESSION_TIMEOUT_MS": "6000"
            if "KAFKA_BOOTSTRAP_SERVERS" in os.environ
            else "2000",
            "KAFKA_FETCH_MAX_WAIT_MS": "20",
        }
        web = {
            "PUBLIC_URL": self.public_url,
            "RETURN_URL_ALLOWLIST": self.return_url,
            "LINK_KEYS": self.keys["LINK_KEYS"],
        }
        sealing = {name: self.keys[name] for name in ("SEALING_PUBLIC_KEY", "CALLBACK_MAC_KEYS")}
        webhooks = {"METRIPORT_WEBHOOK_KEYS": self.webhook_key}
        at_rest = {"ENCRYPTION_KEYS": self.keys["ENCRYPTION_KEYS"]}
        opening = {"SEALING_PRIVATE_KEYS": self.keys["SEALING_PRIVATE_KEYS"]}
        audit = {"AUDIT_SIGNING_KEY": self.keys["AUDIT_SIGNING_KEY"]}
        vendor = {
            "METRIPORT_API_URL": self.sandbox_url,
            "METRIPORT_API_KEY": API_KEY,
            "METRIPORT_FACILITY_ID": FACILITY_ID,
        }
        return {
            "ingress": kafka | web | sealing | webhooks,
            "consumers": kafka | web | sealing | webhooks | at_rest | opening | audit,
            "gateway": web | at_rest | vendor,
            "tools": kafka | sealing | webhooks | at_rest | opening,
            "topics": kafka,
            "audit": kafka | {"AUDIT_PUBLIC_KEYS": self.keys["AUDIT_PUBLIC_KEYS"]},
        }[role]
