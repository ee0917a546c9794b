"""Copies of a running cluster: a standby that follows it, and a base backup that is put in its place."""

import signal
from typing import Self

from tests.stack import children, cluster, lifetime, signals
from tests.stack.folders import make_folder, tail
from tests.stack.ports import LOOPBACK
from tests.stack.postgres import START_SECONDS, SUPERUSER, EmbeddedPostgres, PostgresError
from tests.stack.waiting import wait_until

SLOT = "standby"


class BaseBackup(EmbeddedPostgres):
    """The files of a running cluster, as they are when it is taken; it serves them from its ``start``.

    On the port of the original, it takes its place: same identifier, same timeline, without a word.
    """

    options: tuple[str, ...] = ("-X", "stream")

    def __init__(self, original: EmbeddedPostgres, *, port: int | None = None) -> None:
        super().__init__(port=port or original.port)
        self._original = original

    def take(self) -> Self:
        """Copy the files; the original must be running."""
        lifetime.remember(self)
        with signals.deferred():
            self._folder = make_folder("pg")
        self._initialise()
        return self

    def start(self) -> Self:
        """Serve what was taken, now if it was not before. Main thread only."""
        if self._folder is None:
            self.take()
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise
        return self

    def _initialise(self) -> None:
        where = (
            f"host={LOOPBACK} port={self._original.port} user={SUPERUSER} application_name={SLOT}"
        )
        target = ["-D", str(self.folder / "data"), "-d", where]
        flags = [*target, "--checkpoint=fast", "--no-sync", *self.options]
        terms = cluster.terms(self.folder, signal.SIGTERM)
        with signals.deferred():
            process = children.spawn(
                [cluster.program("pg_basebackup"), *flags], cluster.ENVIRONMENT, terms
            )
        if process.wait(START_SECONDS) != 0:
            raise PostgresError(f"pg_basebackup failed\n{tail(terms.log)}")


class Standby(BaseBackup):
    """Follows its original, asynchronously until ``be_synchronous``, until it is promoted."""

    options = ("-X", "stream", "-R", "-C", "-S", SLOT)

    def be_synchronous(self) -> None:
        """From now on the original answers a commit only when it is here."""
        self._original.execute(
            f"alter system set synchronous_standby_names = 'FIRST 1 ({SLOT})'",
            "select pg_reload_conf()",
        )
        state = "select sync_state from pg_stat_replication"
        wait_until(lambda: self._original.execute(state) == "sync", within=10, what="synchronous")

    def stop_following(self) -> None:
        """Receive nothing any more: what the original commits from now on is not here."""
        self.execute("alter system set primary_conninfo = ''", "select pg_reload_conf()")
        receivers = "select count(*) from pg_stat_wal_receiver"
        wait_until(lambda: self.execute(receivers) == "0", within=10, what="cut off")

    def promote(self) -> None:
        """Become a primary, on a timeline of its own."""
        self.execute("select pg_promote(true, 10)")
