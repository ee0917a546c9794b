"""A broker of Apache Kafka that asks who is there and refuses what the ACLs do not grant, and a deployment on it.

Clients of the secured port log in with a name and a password. The plain port is the superuser's: it makes
the records that somebody tries to read, and runs Kafka's own tools.
"""

import os
import secrets
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from service.bus.acls import commands
from tests.access.expected import CLIENTS
from tests.local.deployment import Deployment
from tests.stack.kafka import ApacheKafka, Listener, java
from tests.stack.ports import LOOPBACK, free_port

NAME = "secured"
PREFIX = f"{NAME}."
"""What a deployment of this name puts before its topics and its group."""

GRANTS = Path(__file__).parent / "Grants.java"


class SecuredKafka(ApacheKafka):
    """One node with Kafka's own authorizer; nothing is allowed that no ACL grants."""

    def __init__(self) -> None:
        self.passwords = {user(client): secrets.token_urlsafe(12) for client in CLIENTS}
        self.secured = free_port()
        listener = Listener(
            name="SECURED", port=self.secured, advertised=self.secured, protocol="SASL_PLAINTEXT"
        )
        super().__init__(listeners=(listener,), more=self._security())

    @property
    def secured_servers(self) -> str:
        """Where clients have to log in."""
        return f"{LOOPBACK}:{self.secured}"

    def login(self, client: str) -> dict[str, Any]:
        """How a client of aiokafka logs in."""
        return {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": user(client),
            "sasl_plain_password": self.passwords[user(client)],
        }

    def environment(self, client: str) -> dict[str, str]:
        """How a process of ours logs in."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.secured_servers,
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_USERNAME": user(client),
            "KAFKA_SASL_PASSWORD": self.passwords[user(client)],
        }

    def grant(self, calls: Iterable[str]) -> None:
        """Do what calls of kafka-acls.sh would, by the class that it runs."""
        where = ("--bootstrap-server", self.bootstrap_servers)
        lines = ["\t".join([*where, *shlex.split(call)[1:]]) for call in calls]
        done = subprocess.run(
            [*java("128m"), str(GRANTS)],
            input="\n".join(lines),
            env={"PATH": os.environ.get("PATH", os.defpath)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        assert done.stdout.count("Adding ACLs for resource") >= len(lines)

    def _security(self) -> dict[str, object]:
        users = " ".join(f'user_{name}="{word}"' for name, word in self.passwords.items())
        module = "org.apache.kafka.common.security.plain.PlainLoginModule"
        return {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "allow.everyone.if.no.acl.found": "false",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.secured.plain.sasl.jaas.config": f"{module} required {users};",
        }


def user(client: str) -> str:
    """The login of a client."""
    return f"metriport-ias-{client}"


class SecuredDeployment(Deployment):
    """Every role logs in as itself; the gateway has no login, and no broker to use it with."""

    kafka: SecuredKafka

    def start(self, *arguments: Any) -> Self:
        assert isinstance(self.broker, SecuredKafka)
        self.kafka = self.broker
        self.kafka.grant(commands(PREFIX))
        return super().start(*arguments)

    def environment(self, role: str) -> dict[str, str]:
        found = super().environment(role)
        if role == "gateway":
            assert not any(name.startswith("KAFKA") for name in found)
            return found
        return found | self.kafka.environment(role)

    def _once(self, role: str, environment: Mapping[str, str], *arguments: str) -> None:
        more = self.kafka.environment(role) if role == "topics" else {}
        super()._once(role, {**environment, **more}, *arguments)
