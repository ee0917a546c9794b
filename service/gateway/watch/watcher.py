"""Puts what runs under watch: every few seconds, in every replica, each thing once.

Candidates are read without a lock. Each is then taken in a transaction of its own, its subject locked
first (as everywhere) and skipped when somebody else has it. So it does not matter who started a query,
or which release did: whatever runs and is not watched is found here.
"""

from typing import Final

import structlog

from service.gateway.rounds import in_rounds
from service.settings.watching import Watching
from service.store import expiry, queries, suppositions, watch
from service.store.pool import Database
from service.store.unit import Unit
from service.store.watch import Kind, Unwatched

_PAUSE_SECONDS: Final = 5.0
_PAGE: Final = 100

log = structlog.get_logger()


class Watcher:
    """One replica's watcher."""

    def __init__(self, database: Database, how: Watching) -> None:
        self._database = database
        self._how = how

    async def run(self) -> None:
        """Look for what is not watched, until cancelled; when polling is off, only wait."""
        how = self._how
        await in_rounds(self.round, _PAUSE_SECONDS, name="watch", enabled=how.enabled)

    async def round(self) -> int:
        """Watch what runs, and what may be proved; how many things were put under watch here."""
        begun = 0
        for kind in Kind:
            async with self._database.transaction() as unit:
                found = await watch.unwatched(unit, kind, _PAGE)
            begun += sum([await self._begin(kind, thing) for thing in found])
        async with self._database.transaction() as unit:
            found = await _supposed(unit)
        begun += sum([await self._begin(Kind.NETWORK_QUERY, thing) for thing in found])
        if begun:
            log.info("watch.begun", count=begun)
        return begun

    async def _begin(self, kind: Kind, thing: Unwatched) -> bool:
        async with self._database.transaction() as unit:
            if not await expiry.try_lock_subject(unit, thing.subject_id):
                return False
            return await watch.begin(unit, kind, thing, self._how.first)


async def _supposed(unit: Unit) -> list[Unwatched]:
    """Queries of unknown outcome for which one request is known that may be theirs."""
    found = []
    for _, query_id in await suppositions.to_confirm(unit, _PAGE):
        subject_id = await queries.subject_of(unit, query_id)
        if subject_id is not None:
            found.append(Unwatched(subject_id, query_id))
    return found
