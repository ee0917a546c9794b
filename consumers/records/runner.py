"""Finds the record requests to look at, in any number of replicas.

A request is looked at when its subject was told something since the last look (whoever caused it: a
handler, the gateway, the sweeper), and when its time has come. The subject is locked first, and skipped
when somebody has it: then there is another round. NOTIFY is a hint; the table is looked at every second
anyway.
"""

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from consumers.context import Context
from consumers.records.advancing import advance
from schemas.ids import SubjectId
from service.store import expiry, record_requests
from service.store.pool import TRANSIENT, Database
from service.store.record_requests import START, Request
from service.store.unit import Unit
from service.telemetry import metrics, traces
from service.telemetry.traces import Kind

_IDLE_SECONDS: Final = 1.0
_LEAST_PAUSE_SECONDS: Final = 0.05
"""Under load every commit wakes us; one look then serves many of them."""
_PAGE: Final = 100

log = structlog.get_logger()


class RecordRunner:
    """One replica's runner."""

    def __init__(self, database: Database, context: Context) -> None:
        self._database = database
        self._context = context

    async def run(self, wake: asyncio.Event) -> None:
        """Look whenever ``wake`` is set, and every second, until cancelled."""
        while True:
            wake.clear()
            try:
                await self.round()
            except TRANSIENT as error:
                log.warning("records.database_away", exc_info=error)
            await asyncio.sleep(_LEAST_PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_SECONDS):
                    await wake.wait()

    async def round(self) -> int:
        """Look once at everything that has news; how many requests were looked at."""
        looked, after = 0, START
        while True:
            async with self._database.transaction() as unit:
                page = await record_requests.subjects_with_news(unit, after, _PAGE)
            for subject_id in page:
                looked += await self._look_at(subject_id)
            if len(page) < _PAGE:
                return looked
            after = page[-1]

    async def _look_at(self, subject_id: SubjectId) -> int:
        """The subject's requests, the oldest first; a defect of one ends neither the others nor us."""
        async with self._database.transaction() as unit:
            if not await expiry.try_lock_subject(unit, subject_id):
                return 0
            found = await record_requests.with_news(unit, subject_id)
            for request in found:
                await self._advance(unit, request)
        return len(found)

    async def _advance(self, unit: Unit, request: Request) -> None:
        flow = traces.flow_of(request.asked.request_id)
        try:
            with traces.span("advance record request", Kind.INTERNAL, flow) as span:
                unit.traceparent = span.traceparent
                async with unit.conn.transaction():  # what a failed look wrote is undone
                    await advance(unit, self._context, request)
        except TRANSIENT:
            raise
        except Exception as error:
            metrics.RECORD_REQUEST_DEFECTS.inc()
            log.exception("records.not_advanced", exc_info=error, step=request.step.value)
            await record_requests.put_off(unit, request.asked.request_id)
