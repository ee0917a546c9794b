"""Starts Postgres, the broker, the double and the three roles; stops all of it, whatever happens."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.local.settings import API_KEY, FACILITY_ID, LocalSettings
from tests.stack.broker import Broker, broker_from_environment
from tests.stack.folders import make_folder, remove_folder
from tests.stack.lifetime import Stack
from tests.stack.ports import free_ports
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.processes import ProcessError, Supervised

ROOT = Path(__file__).parent.parent.parent
ROLES = ("ingress", "consumers", "gateway")
Told = Callable[[str], None]


class Deployment:
    """One deployment. Everything it starts goes on the given ``Stack``, which stops it."""

    application_host = vendor_host = "127.0.0.1"
    """How browsers name the two. Other names of this machine make them other sites than the ingress."""

    vendor_step = "Metriport sandbox double"
    """What is told of ``start_sandbox``."""

    roles: Sequence[str] = ROLES
    """Which roles ``start`` starts."""

    def __init__(
        self,
        stack: Stack,
        *,
        return_port: int,
        servers: tuple[EmbeddedPostgres, Broker] | None = None,
        name: str = "ias",
        more: Mapping[str, str] | None = None,
        sandbox_options: Sequence[str] = (),
    ) -> None:
        self._stack = stack
        self._postgres: EmbeddedPostgres | None = servers[0] if servers else None
        self._broker: Broker | None = servers[1] if servers else None
        self._name = name
        self._return_port = return_port
        self._more = more or {}
        self._sandbox_options = sandbox_options
        self.root = ROOT
        """Whose packages the processes run: another folder, to run a copy of them."""
        self.folder = make_folder("deployment")
        self.processes: dict[str, Supervised] = {}
        self.settings: LocalSettings

    @property
    def postgres(self) -> EmbeddedPostgres:
        """The cluster that this deployment uses."""
        if self._postgres is None:
            raise ProcessError("the deployment is not started")
        return self._postgres

    @property
    def broker(self) -> Broker:
        """The broker that this deployment uses."""
        if self._broker is None:
            raise ProcessError("the deployment is not started")
        return self._broker

    @property
    def database(self) -> str:
        """The name of its database."""
        return self._name

    @property
    def sandbox_log(self) -> Path:
        """What the double says it received and sent, secrets masked."""
        return self.folder / "metriport.log"

    def start(self, tell: Told = lambda _: None) -> Self:
        """Start everything in order; returns when every role is ready."""
        tell("Postgres")
        if self._postgres is None:
            self._postgres = self._stack.start(EmbeddedPostgres())
        tell("Kafka-compatible broker")
        if self._broker is None:
            self._broker = self._stack.start(broker_from_environment())
        self.settings = self._settings(self._broker)
        self._postgres.create_database(self._name)
        tell("database migrations and topics")
        self._once("migrate", {"MIGRATION_DATABASE_URL": self._postgres.dsn(self._name)})
        self._create_logins()
        self._once("topics", self.settings.environment("topics", ""), "apply", "--replication", "1")
        tell(self.vendor_step)
        self.start_sandbox()
        for role in self.roles:
            tell(f"metriport-ias {role}")
            self.start_role(role)
        for role in self.roles:
            self.wait_ready(role)
        return self

    def start_sandbox(self) -> None:
        """Start the double, which sends its webhooks to our ingress."""
        settings = self.settings
        command = [
            *(sys.executable, "-m", "tests.metriport_sandbox", "--allow-loopback"),
            *("--port", str(settings.sandbox_port), "--api-key", API_KEY),
            *("--facility-id", FACILITY_ID),
            f"--webhook-key={settings.webhook_key}",  # a key may begin with a dash
            *("--public-url", settings.hosted_url),
            *("--webhook-url", f"{settings.public_url}/webhooks/metriport"),
            *("--redirect-url", f"{settings.public_url}/callbacks/identity"),
            *("--redirect-url", f"{settings.public_url}/callbacks/aal2"),
            *self._sandbox_options,
        ]
        self._run("metriport", command, {"PYTHONUNBUFFERED": "1"})
        self.processes["metriport"].wait_ready(f"{settings.sandbox_url}/_sandbox/limits")

    def start_role(self, role: str, more: Mapping[str, str] | None = None) -> Supervised:
        """Start one role without waiting for it; ``more`` is for this start alone."""
        command = [sys.executable, "-m", "consumers", role]
        return self._run(role, command, self.environment(role) | dict(more or {}))

    def environment(self, role: str) -> dict[str, str]:
        """What a role of this deployment is started with."""
        login = "ias_ingress_login" if role == "ingress" else "ias_service_login"
        return self.settings.environment(role, self.postgres.dsn(self._name, user=login))

    def wait_ready(self, role: str) -> None:
        """Wait until the role says that it is ready."""
        port = self.settings.internal_ports[role]
        self.processes[role].wait_ready(f"http://127.0.0.1:{port}/readyz", within=40.0)

    def remove_logs(self) -> None:
        """Forget the logs; call it when all is stopped and nothing went wrong."""
        remove_folder(self.folder)

    def _settings(self, broker: Broker) -> LocalSettings:
        ingress, sandbox, *internal = free_ports(2 + len(ROLES))
        prefix = "" if broker.is_ours and self._name == "ias" else f"{self._name}."
        return LocalSettings(
            ingress_port=ingress,
            sandbox_port=sandbox,
            internal_ports=dict(zip(ROLES, internal, strict=True)),
            return_url=f"http://{self.application_host}:{self._return_port}/return",
            vendor_host=self.vendor_host,
            bootstrap_servers=broker.bootstrap_servers,
            topic_prefix=prefix,
            more=self._more,
        )

    def _create_logins(self) -> None:
        """One login role for each kind of process, as a deployment would have."""
        self.postgres.execute(
            "do $$ begin if not exists (select from pg_roles where rolname = 'ias_ingress_login')"
            " then create role ias_ingress_login login in role ias_ingress;"
            " create role ias_service_login login in role ias_service; end if; end $$"
        )

    def _once(self, role: str, environment: Mapping[str, str], *arguments: str) -> None:
        command = [sys.executable, "-m", "consumers", role, *arguments]
        process = self._run(role, command, environment)
        if process.wait(within=60.0) != 0:
            raise ProcessError(f"{role} failed:\n{process.log_tail()}")

    def _run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Supervised:
        process = Supervised(
            name,
            list(command),
            env=environment,
            log_path=self.folder / f"{name}.log",
            cwd=self.root,
        )
        self.processes[name] = process
        return self._stack.start(process)
