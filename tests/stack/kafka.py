"""Apache Kafka in KRaft mode from its own jars: one process that is broker and controller, or three.

``make test-kafka`` fetches the jars (``tests/kafka/pom.xml``) and names this broker in ``IAS_TEST_BROKER``.
What was acknowledged survives ``kill``: the log is on a disk of memory, and the process is all that dies.
``tests.stack.kafka_cluster`` makes three of these one cluster.
"""

import base64
import os
import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.stack.broker import EmbeddedBroker
from tests.stack.ports import LOOPBACK, free_port
from tests.stack.processes import Supervised

JARS: Final = Path(__file__).parent.parent / "kafka" / "target" / "jars"
MEMORY: Final = "512m"
_JAVA: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""A broker of a test starts often and works little: quick to start, and gentle to two cores."""


class NoKafkaError(RuntimeError):
    """Apache Kafka cannot be started here; the message says what is missing."""


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One more port of a node, whose clients are told to come to ``advertised``.

    A proxy there stands between the node and the clients of this listener alone: a client goes where the
    metadata sends it, whatever it was started with.
    """

    name: str
    port: int
    advertised: int
    protocol: str = "PLAINTEXT"


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A node's place in its cluster: its number, and the controllers' ports, its own among them."""

    number: int = 1
    controllers: Sequence[int] = field(default_factory=lambda: (free_port(),))
    cluster: str = field(
        default_factory=lambda: base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    )

    @property
    def voters(self) -> str:
        """Every controller, as Kafka wants them named."""
        numbered = enumerate(self.controllers, start=1)
        return ",".join(f"{number}@{LOOPBACK}:{port}" for number, port in numbered)

    @property
    def replicas(self) -> int:
        """How many copies of its own topics a cluster of this size keeps."""
        return len(self.controllers)


class ApacheKafka(EmbeddedBroker):
    """One node on free loopback ports. ``kill`` and ``restart`` keep topics, records and offsets."""

    start_seconds = 60.0

    def __init__(
        self,
        *,
        port: int | None = None,
        listeners: Sequence[Listener] = (),
        seat: Seat | None = None,
        memory: str = MEMORY,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(port=port)
        self._listeners = listeners
        self._seat = seat or Seat()
        self._memory = memory
        self._more = more or {}

    def relaunch(self) -> None:
        """Start again after ``kill``, without waiting until it answers."""
        self._running().start()

    def _prepared(self, folder: Path) -> Supervised:
        command = java(self._memory)
        settings = folder / "server.properties"
        lines = _properties(self.port, self._listeners, self._seat) | {"log.dirs": folder / "data"}
        lines |= self._more
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        settings.write_text(text, encoding="utf-8")
        options = ("format", f"--cluster-id={self._seat.cluster}", "--config", str(settings))
        formatted = subprocess.run(
            [*command, "kafka.tools.StorageTool", *options],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if formatted.returncode:
            raise NoKafkaError(formatted.stdout + formatted.stderr)
        run = [*command, "kafka.Kafka", str(settings)]
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        return Supervised("kafka", run, env=environment, log_path=folder / "broker.log", cwd=folder)


def java(memory: str) -> list[str]:
    """The command up to the class to run, with every class of Kafka's.

    Raises:
        NoKafkaError: there is no Java, or the jars were not fetched.
    """
    java = shutil.which("java")
    if java is None:
        raise NoKafkaError("Apache Kafka needs a JDK, 17 or newer: there is no `java` on the PATH")
    if not JARS.is_dir():
        raise NoKafkaError("the jars of Apache Kafka are not there: `make test-kafka` fetches them")
    return [java, *_JAVA, f"-Xmx{memory}", "-cp", f"{JARS}/*"]


def _properties(port: int, listeners: Sequence[Listener], seat: Seat) -> dict[str, object]:
    enough = min(2, seat.replicas)
    return _addresses(port, listeners, seat) | {
        "process.roles": "broker,controller",
        "node.id": seat.number,
        "controller.quorum.voters": seat.voters,
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": seat.replicas,
        "transaction.state.log.replication.factor": seat.replicas,
        "transaction.state.log.min.isr": enough,
        "share.coordinator.state.topic.replication.factor": seat.replicas,
        "share.coordinator.state.topic.min.isr": enough,
        "min.insync.replicas": enough,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "message.max.bytes": 8 * 1024 * 1024 + 65536,
        "log.segment.bytes": 64 * 1024 * 1024,
        "log.index.size.max.bytes": 65536,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    }


def _addresses(port: int, listeners: Sequence[Listener], seat: Seat) -> dict[str, object]:
    """Where the node listens, and where it sends the clients of each listener."""
    own = f"{LOOPBACK}:{seat.controllers[seat.number - 1]}"
    bound = [f"{one.name}://{LOOPBACK}:{one.port}" for one in listeners]
    told = [f"{one.name}://{LOOPBACK}:{one.advertised}" for one in listeners]
    plain = f"PLAINTEXT://{LOOPBACK}:{port}"
    protocols = ["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"]
    protocols += [f"{one.name}:{one.protocol}" for one in listeners]
    return {
        "listeners": ",".join([plain, f"CONTROLLER://{own}", *bound]),
        "advertised.listeners": ",".join([plain, *told]),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": ",".join(protocols),
    }
