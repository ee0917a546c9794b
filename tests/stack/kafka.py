"""Apache Kafka in KRaft mode from its own jars: one process that is broker and controller.

``make test-kafka`` fetches the jars (``tests/kafka/pom.xml``) and names this broker in ``IAS_TEST_BROKER``.
What was acknowledged survives ``kill``: the log is on a disk of memory, and the process is all that dies.
"""

import base64
import os
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Final

from tests.stack.broker import EmbeddedBroker
from tests.stack.ports import LOOPBACK, free_port
from tests.stack.processes import Supervised

JARS: Final = Path(__file__).parent.parent / "kafka" / "target" / "jars"
MEMORY: Final = "512m"
_JAVA: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Xmx{MEMORY}")
"""A broker of a test starts often and works little: quick to start, and gentle to two cores."""


class NoKafkaError(RuntimeError):
    """Apache Kafka cannot be started here; the message says what is missing."""


class ApacheKafka(EmbeddedBroker):
    """One node on free loopback ports. ``kill`` and ``restart`` keep topics, records and offsets."""

    start_seconds = 60.0

    def relaunch(self) -> None:
        """Start again after ``kill``, without waiting until it answers."""
        self._running().start()

    def _prepared(self, folder: Path) -> Supervised:
        java = _java()
        settings = folder / "server.properties"
        settings.write_text(_properties(self.port, free_port(), folder / "data"), encoding="utf-8")
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        options = ("format", "--cluster-id", cluster, "--config", str(settings))
        formatted = subprocess.run(
            [*java, "kafka.tools.StorageTool", *options],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if formatted.returncode:
            raise NoKafkaError(formatted.stdout + formatted.stderr)
        command = [*java, "kafka.Kafka", str(settings)]
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        return Supervised(
            "kafka", command, env=environment, log_path=folder / "broker.log", cwd=folder
        )


def _java() -> list[str]:
    """The command up to the class to run.

    Raises:
        NoKafkaError: there is no Java, or the jars were not fetched.
    """
    java = shutil.which("java")
    if java is None:
        raise NoKafkaError("Apache Kafka needs a JDK, 17 or newer: there is no `java` on the PATH")
    if not JARS.is_dir():
        raise NoKafkaError("the jars of Apache Kafka are not there: run `make kafka-jars`")
    return [java, *_JAVA, "-cp", f"{JARS}/*"]


def _properties(port: int, controller: int, data: Path) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "message.max.bytes": 8 * 1024 * 1024 + 65536,
        "log.segment.bytes": 64 * 1024 * 1024,
        "log.index.size.max.bytes": 65536,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
