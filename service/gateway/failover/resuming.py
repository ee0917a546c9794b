"""Lets calls out again, after what may have been sent already was made safe.

Only Start Network Query must not run twice; the vendor lets every other call be repeated. Where commits may
be lost, every query that was not sent as far as this database knows gets the state *unknown*, and that is
told: also one that came after the failover, for it may be a lost command that was handled once more. A
webhook with the query's id proves that it runs, and with ``UNKNOWN_POLICY=resend`` it is sent once more
when no proof comes.
"""

from datetime import datetime
from typing import Final

import structlog

from schemas.ids import RequestId, SubjectId
from service.gateway import stopping
from service.ias import network_query_steps
from service.ias.network_query import QueryState
from service.ias.network_query_table import QueryCue
from service.store import dispatch_stop, doubtful, known_cluster, queries, subjects
from service.store.decisions import carry_out, query_standing
from service.store.dispatch_stop import Stop, Why
from service.store.pool import Database

_PAGE: Final = 100
_UNSENT: Final = frozenset({QueryState.WAITING, QueryState.DUE, QueryState.RESENDING})

log = structlog.get_logger()


class NotResumedError(Exception):
    """Calls stay stopped; the text says why, and what to do."""


async def pause(database: Database, why: Why) -> bool:
    """Stop every replica; whether it was news."""
    async with database.transaction() as unit:
        return await stopping.stop(unit, why)


async def resume(
    database: Database, *, nothing_lost: bool, loss_proven: bool = False
) -> int | None:
    """Let calls out again; how many queries are of unknown outcome now. ``None``: nothing was stopped.

    Raises:
        NotResumedError: it would not be safe, or somebody else stopped calls meanwhile.
    """
    if loss_proven:
        await _prove(database)
    stop = await _standing(database)
    if stop is None:
        return None
    if nothing_lost and stop.loss_proven:
        raise NotResumedError(
            "it is proven that the database lost commits: run `resume` without --nothing-lost"
        )
    is_safe = stop.why is not Why.DATABASE_CHANGED or nothing_lost
    doubted = 0 if is_safe else await _doubt_unsent(database)
    await let_out(database, stop)
    return doubted


async def _prove(database: Database) -> None:
    async with database.transaction() as unit:
        await stopping.stop(unit, Why.DATABASE_CHANGED)
        await dispatch_stop.prove_loss(unit)


async def _standing(database: Database) -> Stop | None:
    """Why calls are stopped; a database that changed stops them, noticed by a gateway or not."""
    async with database.transaction() as unit:
        sight = await known_cluster.look(unit)
        if sight.known != sight.here:
            await stopping.stop(unit, Why.DATABASE_CHANGED)
        return await dispatch_stop.standing(unit)


async def let_out(database: Database, stop: Stop) -> None:
    """Let calls out, if they are still stopped as they were when somebody looked.

    Raises:
        NotResumedError: they are not.
    """
    async with database.transaction() as unit:
        if not await stopping.resume(unit, stop.why, loss_proven=stop.loss_proven):
            raise NotResumedError(
                "it was stopped for another reason meanwhile: look, and run again"
            )
        if stop.why is Why.DATABASE_CHANGED:
            await known_cluster.begin_anew(unit)
    log.info("dispatch.resumed", why=stop.why.value)


async def _doubt_unsent(database: Database) -> int:
    async with database.transaction() as unit:
        now = unit.now
    return sum([await _doubt_all(database, now, again=again) for again in (False, True)])


async def _doubt_all(database: Database, made_before: datetime, *, again: bool) -> int:
    """Page through them, each in a transaction of its own; killed, the next run goes on."""
    doubted, after = 0, doubtful.START
    while True:
        async with database.transaction() as unit:
            found = await doubtful.page(unit, made_before, after, _PAGE, again=again)
        for query_id, subject_id, deadline in found:
            doubted += await _doubt(database, query_id, subject_id)
            after = (deadline, query_id)
        if len(found) < _PAGE:
            return doubted


async def _doubt(database: Database, query_id: RequestId, subject_id: SubjectId) -> bool:
    async with database.transaction() as unit:
        await subjects.lock(unit, subject_id)
        query = await queries.lock(unit, query_id)
        if query is None or query.state not in _UNSENT:
            return False
        await doubtful.doubt_call(unit, query_id)
        standing = await query_standing(unit, query)
        decision = network_query_steps.on(standing, QueryCue.DATABASE_CHANGED)
        await carry_out(unit, query, decision)
    return True
