"""A deployment that can be broken: three brokers, two replicas where replicas are, a proxy on every edge.

    ingress, consumers, consumers-2   ── proxy each ──►  three Kafka nodes
    all five                          ── proxy each ──►  Postgres
    gateway, gateway-2                ── one proxy  ──►  the vendor (a database belongs to one API)

The application, the double and whoever checks go straight to the servers: the weather is the service's.
"""

import random
import sys
from collections.abc import Mapping
from typing import Final, NamedTuple, Self

from tests.chaos.proxy import Proxies
from tests.local.deployment import Deployment, Told
from tests.local.settings import LocalSettings
from tests.stack.broker import Broker
from tests.stack.kafka_cluster import NODES, KafkaCluster
from tests.stack.lifetime import Stack
from tests.stack.ports import LOOPBACK, free_port, free_ports
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.processes import Supervised

VENDOR: Final = "vendor"
LIMITED: Final = (
    *("write-patient", "start-network-query", "start-consolidated-query"),
    *(f"network-query-{source}" for source in ("hie", "pharmacy", "lab")),
)
WIDE: Final = 600
"""Calls a minute that the double allows and the gateway paces itself by: not everything is to be pace."""

SETTINGS: Final[Mapping[str, str]] = {
    "TREATMENT_ENABLED": "true",
    "KAFKA_SESSION_TIMEOUT_MS": "3000",
    "METRIPORT_TIMEOUT": "5",
    "VERIFICATION_LIFETIME": "90",
    "CHALLENGE_LIFETIME": "90",
    "RETURN_CODE_LIFETIME": "90",
    "HOSTED_PAGE_LIFETIME": "40",
    "LINK_OPENINGS_PER_HOUR": "60",
    "QUERY_DEADLINE": "120",
    "CONSOLIDATED_QUERY_LIFETIME": "120",
    "REGISTRATION_LIFETIME": "120",
    "STATUS_POLL_FIRST": "60",
    "DELIVERY_HEALER_PAUSE": "60",
    "PACING_DAILY_QUOTA": "1000000",
    "PACING_PATIENT_WRITES": str(WIDE),
    "PACING_NETWORK_QUERIES": str(WIDE),
    "PACING_NETWORK_QUERIES_PER_SOURCE": str(WIDE),
    "PACING_CONSOLIDATED_QUERIES": str(WIDE),
}
"""Short lives, so that what faults cut off ends within the run; a second-long session timeout would be
shorter than what a loaded machine stalls by itself."""


class Replica(NamedTuple):
    """One process of the service: its name in this deployment, and the role that it plays."""

    name: str
    role: str

    @property
    def listener(self) -> str:
        """Its own listener on every Kafka node."""
        return self.name.replace("-", "").upper()


REPLICAS: Final = (
    Replica("ingress", "ingress"),
    Replica("consumers", "consumers"),
    Replica("consumers-2", "consumers"),
    Replica("gateway", "gateway"),
    Replica("gateway-2", "gateway"),
)
BY_NAME: Final = {replica.name: replica for replica in REPLICAS}
ON_KAFKA: Final = tuple(one for one in REPLICAS if one.role != "gateway")


class ChaosDeployment(Deployment):
    """Postgres, a cluster, proxies, the double and five processes, all on the given ``Stack``."""

    def __init__(self, stack: Stack, rng: random.Random, *, name: str = "chaos") -> None:
        limits = [part for limit in LIMITED for part in ("--limit", f"{limit}={WIDE}")]
        options = ["--step-seconds", "0.3", "--patient-limit", "100000", "--quiet", *limits]
        super().__init__(
            stack, return_port=free_port(), name=name, more=SETTINGS, sandbox_options=options
        )
        self._proxy_ports = dict(zip(_proxy_names(), free_ports(len(_proxy_names())), strict=True))
        self._internal = dict(
            zip((one.name for one in REPLICAS), free_ports(len(REPLICAS)), strict=True)
        )
        self.proxies = Proxies(rng)
        self.cluster = KafkaCluster(
            {
                one.listener: [self._proxy_ports[f"kafka/{one.name}/{n}"] for n in range(NODES)]
                for one in ON_KAFKA
            }
        )

    def start(self, tell: Told = lambda _: None) -> Self:
        """Start everything in order; returns when every replica is ready."""
        tell("Postgres, three Kafka nodes, proxies")
        self._postgres = self._stack.start(EmbeddedPostgres())
        self._stack.start(self.proxies)
        self._broker = self._stack.start(self.cluster)
        self.settings = self._settings(self.cluster)
        self._postgres.create_database(self._name)
        self._open_proxies()
        self._once("migrate", {"MIGRATION_DATABASE_URL": self._postgres.dsn(self._name)})
        self._create_logins()
        self._once("topics", self.settings.environment("topics", ""), "apply", "--replication", "3")
        tell("the double and five processes")
        self.start_sandbox()
        for replica in REPLICAS:
            self.launch(replica)
        for replica in REPLICAS:
            self.processes[replica.name].wait_ready(self.readiness(replica), within=60.0)
        return self

    def launch(self, replica: Replica, more: Mapping[str, str] | None = None) -> Supervised:
        """Start a replica without waiting for it. With ``CRASH_POINT`` it is set up to die there."""
        more = dict(more or {})
        module = "tests.chaos.crashing" if "CRASH_POINT" in more else "consumers"
        command = [sys.executable, "-m", module, replica.role]
        return self._run(replica.name, command, self.environment_of(replica) | more)

    def kill_all(self) -> None:
        """The run is over: nobody needs to drain."""
        for process in self.processes.values():
            if process.is_running:
                process.kill()

    def environment_of(self, replica: Replica) -> dict[str, str]:
        """What a replica is started with: its own proxies instead of the servers."""
        names = {"KAFKA_BOOTSTRAP_SERVERS": self._kafka_of(replica)} if replica in ON_KAFKA else {}
        if replica.role == "gateway":
            names["METRIPORT_API_URL"] = f"http://{LOOPBACK}:{self._proxy_ports[VENDOR]}"
        usual = self.environment(replica.role)
        port = self._proxy_ports[f"postgres/{replica.name}/"]
        return (
            usual
            | names
            | {
                "DATABASE_URL": usual["DATABASE_URL"].replace(
                    f":{self.postgres.port}/", f":{port}/"
                ),
                "INTERNAL_PORT": str(self._internal[replica.name]),
            }
        )

    def readiness(self, replica: Replica) -> str:
        """Where a replica says whether it is ready."""
        return f"http://{LOOPBACK}:{self._internal[replica.name]}/readyz"

    def _settings(self, broker: Broker) -> LocalSettings:
        ingress, sandbox = free_ports(2)
        return LocalSettings(
            ingress_port=ingress,
            sandbox_port=sandbox,
            internal_ports={
                role: self._internal[role] for role in ("ingress", "consumers", "gateway")
            },
            return_url=f"http://{LOOPBACK}:{self._return_port}/return",
            bootstrap_servers=broker.bootstrap_servers,
            topic_prefix=f"{self._name}.",
            more=self._more,
        )

    def _kafka_of(self, replica: Replica) -> str:
        ports = [self._proxy_ports[f"kafka/{replica.name}/{node}"] for node in range(NODES)]
        return ",".join(f"{LOOPBACK}:{port}" for port in ports)

    def _open_proxies(self) -> None:
        for name, port in self._proxy_ports.items():
            kind, _, of = name.partition("/")
            if kind == "postgres":
                upstream = self.postgres.port
            elif kind == VENDOR:
                upstream = self.settings.sandbox_port
            else:
                client, _, node = of.rpartition("/")
                upstream = self.cluster.port_of(BY_NAME[client].listener, int(node))
            self.proxies.add(name, port, upstream)


def _proxy_names() -> list[str]:
    """``kafka/<process>/<node>``, ``postgres/<process>/`` and ``vendor``."""
    kafka = [f"kafka/{one.name}/{node}" for one in ON_KAFKA for node in range(NODES)]
    return [*kafka, *(f"postgres/{one.name}/" for one in REPLICAS), VENDOR]
