"""The circuits of all classes: read before calls are claimed, written after they were made."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from service.gateway import probing
from service.gateway.call_classes import CIRCUITS
from service.gateway.circuit import rule
from service.gateway.circuit.rule import PROBE_TURN, Circuit, CircuitState, Permission
from service.gateway.client import VendorClient
from service.gateway.outcome import Outcome
from service.store import circuits
from service.store.circuits import Row
from service.store.pool import Database
from service.store.unit import Unit
from service.telemetry import metrics

_OPENNESS: Final = {CircuitState.CLOSED: 0.0, CircuitState.HALF_OPEN: 0.5, CircuitState.OPEN: 1.0}

log = structlog.get_logger()


class TrialTakenError(Exception):
    """The one trial of a half open circuit is another's. The unit must be rolled back."""


async def permissions(database: Database, client: VendorClient) -> Mapping[str, Permission]:
    """What may be done for each class; makes the probes that are due and this replica's turn."""
    found = await _read(database)
    due = [kind for kind, allowed in found.items() if allowed is Permission.PROBE]
    if not due:
        return found
    for kind in due:
        await _probe(database, client, kind)
    return await _read(database)


async def take_trial(unit: Unit, kind: str, hold: timedelta) -> None:
    """The call that is being claimed is the trial of its class.

    Raises:
        TrialTakenError: another is.
    """
    if not await circuits.take_turn(unit, kind, CircuitState.HALF_OPEN, hold):
        raise TrialTakenError


async def note(unit: Unit, kind: str, call_id: UUID, outcome: Outcome) -> None:
    """What came of a call; most write nothing, because they find nothing to change."""
    if not rule.is_fault(outcome) and await circuits.is_clean(unit, kind):
        return
    before = await _lock(unit, kind)
    await _keep(unit, kind, before, rule.after_call(before, call_id, outcome, unit.now))


async def _read(database: Database) -> Mapping[str, Permission]:
    async with database.transaction() as unit:
        rows = {row.kind: _circuit(row) for row in await circuits.every(unit)}
        now = unit.now
    found = {kind: rows.get(kind) or rule.fresh(now) for kind in CIRCUITS}
    for kind, circuit in found.items():
        metrics.CIRCUIT_OPEN.labels(kind).set(_OPENNESS[circuit.state])
    return {kind: rule.permission(circuit, now) for kind, circuit in found.items()}


async def _probe(database: Database, client: VendorClient, kind: str) -> None:
    async with database.transaction() as unit:
        if not await circuits.take_turn(unit, kind, CircuitState.OPEN, PROBE_TURN):
            return
    outcome = await probing.probe(database, client)
    async with database.transaction() as unit:
        before = await _lock(unit, kind)
        await _keep(unit, kind, before, rule.after_probe(before, outcome, unit.now))


async def _lock(unit: Unit, kind: str) -> Circuit:
    row = await circuits.lock(unit, kind)
    return rule.fresh(unit.now) if row is None else _circuit(row)


async def _keep(unit: Unit, kind: str, before: Circuit, after: Circuit) -> None:
    if after == before:
        return
    await circuits.keep(unit, Row(kind, **asdict(after)))
    if after.state is not before.state:
        log.warning(
            "gateway.circuit_moved",
            kind=kind,
            state=after.state.value,
            pause_seconds=after.pause.total_seconds(),
        )


def _circuit(row: Row) -> Circuit:
    fields = row._asdict()
    del fields["kind"]
    return Circuit(**{**fields, "state": CircuitState(row.state)})
