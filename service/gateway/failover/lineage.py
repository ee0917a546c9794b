"""One replica's eye on the database: is it the known one, and has it all that was seen committed?"""

from datetime import timedelta
from typing import Final

import structlog

from service.gateway import stopping
from service.gateway.failover.rule import Verdict, judge, went_back
from service.settings.failover import Failover
from service.store import dispatch_stop, known_cluster
from service.store.dispatch_stop import Why
from service.store.known_cluster import Beat, Cluster, Sight
from service.store.pool import Database
from service.store.unit import Unit

BEAT_EVERY: Final = timedelta(seconds=5)
"""While nothing is sent: a loss of more than that is proven by every replica that outlives it."""

log = structlog.get_logger()


class WentBackError(Exception):
    """The database lacks what was seen committed. The unit must be rolled back."""


class Lineage:
    """What one replica remembers of the database that it dispatches from."""

    def __init__(self, database: Database, how: Failover) -> None:
        self._database = database
        self._how = how
        self._remembered: Beat | None = None

    async def may_go_on(self) -> bool:
        """Look at the database; whether calls may go out from it. If not, all replicas are stopped."""
        async with self._database.transaction() as unit:
            sight = await known_cluster.look(unit)
            verdict = judge(sight, self._remembered, self._how.policy)
            if verdict in {Verdict.STOP, Verdict.LOST}:
                await _stop(unit, sight, proven=verdict is Verdict.LOST)
                return False
            if verdict is Verdict.TRUST and await known_cluster.trust(unit):
                _tell("gateway.failover_trusted", sight)
            beat = await known_cluster.beat_if_idle(unit, BEAT_EVERY) or sight.beat
        self.remember(beat)
        return True

    async def mark(self, unit: Unit) -> Beat | None:
        """Count an intent in its own transaction; to be remembered once that is committed.

        Raises:
            WentBackError: the intent must not be marked in this database.
        """
        beat = await known_cluster.beat(unit)
        if went_back(beat, self._remembered):
            raise WentBackError
        return beat

    def remember(self, beat: Beat | None) -> None:
        """A beat that is committed; the latest counts."""
        if beat is not None and (self._remembered is None or beat > self._remembered):
            self._remembered = beat


async def _stop(unit: Unit, sight: Sight, *, proven: bool) -> None:
    if await stopping.stop(unit, Why.DATABASE_CHANGED):
        _tell("gateway.database_changed", sight)
    if proven and await dispatch_stop.prove_loss(unit):
        log.error("gateway.database_lost_commits")


def _tell(event: str, sight: Sight) -> None:
    """Say what changed. The numbers are Postgres' own: a cluster and its timeline."""
    known = sight.known or Cluster(0, None)
    log.error(
        event,
        known_system=known.system_identifier,
        known_timeline=known.timeline,
        system=sight.here.system_identifier,
        timeline=sight.here.timeline,
        last_beat=None if sight.beat_at is None else sight.beat_at.isoformat(),
    )
