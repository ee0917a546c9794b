"""What calls and probes make of a circuit: values only.

    closed → open, when calls in a row met a fault (several calls: one alone may be to blame itself)
    open → half open, when a probe was answered; a probe that was not doubles the pause
    half open → closed, when the one trial call was answered; → open again, when it was not

A probe is ``GET /settings``: harmless, where a real call might be one that must not run twice. A trial is
the next call that is due, and no other is made beside it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from service.gateway.outcome import NotSent, Outcome, Unknown

FAULTS: Final = 5
"""So many different calls in a row without an answer open a circuit."""
FIRST_PAUSE: Final = timedelta(seconds=15)
LONGEST_PAUSE: Final = timedelta(minutes=5)
"""How late the end of an outage may be noticed; a probe then costs 288 calls a day at most."""
PROBE_TURN: Final = timedelta(seconds=30)
"""As long as a replica may take for its probe before another's turn comes."""


class CircuitState(StrEnum):
    """Whether calls of a class are made."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Permission(StrEnum):
    """What a replica may do for a class now."""

    CALL = "call"
    PROBE = "probe"
    TRY_ONE = "try_one"
    WAIT = "wait"


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """One class of calls.

    Attributes:
        state: Whether calls are made.
        failures: Different calls in a row that met a fault.
        last_failed: The newest of them.
        pause: How long an open circuit waits for its next probe.
        wait_until: Open: when a probe may be made. Half open: until when the trial is somebody's.
    """

    state: CircuitState
    failures: int
    last_failed: UUID | None
    pause: timedelta
    wait_until: datetime


def fresh(now: datetime) -> Circuit:
    """The circuit of a class that met no fault."""
    return Circuit(
        state=CircuitState.CLOSED, failures=0, last_failed=None, pause=FIRST_PAUSE, wait_until=now
    )


def permission(circuit: Circuit, now: datetime) -> Permission:
    """What may be done now."""
    if circuit.state is CircuitState.CLOSED:
        return Permission.CALL
    if circuit.wait_until > now:
        return Permission.WAIT
    return Permission.PROBE if circuit.state is CircuitState.OPEN else Permission.TRY_ONE


def is_fault(outcome: Outcome) -> bool:
    """Whether the vendor did not answer. A refusal, and "slow down", are answers."""
    return isinstance(outcome, NotSent | Unknown)


def after_call(circuit: Circuit, call_id: UUID, outcome: Outcome, now: datetime) -> Circuit:
    """The circuit after a call; one that was made before the circuit opened closes nothing."""
    if not is_fault(outcome):
        return circuit if circuit.state is CircuitState.OPEN else fresh(now)
    if circuit.state is CircuitState.OPEN:
        return circuit
    failures = circuit.failures + (call_id != circuit.last_failed)
    counted = replace(circuit, failures=failures, last_failed=call_id)
    if circuit.state is CircuitState.HALF_OPEN:
        return _longer(counted, now)
    return _open(counted, now) if failures >= FAULTS else counted


def after_probe(circuit: Circuit, outcome: Outcome, now: datetime) -> Circuit:
    """The circuit after its probe."""
    if circuit.state is not CircuitState.OPEN:
        return circuit
    if is_fault(outcome):
        return _longer(circuit, now)
    return replace(circuit, state=CircuitState.HALF_OPEN, wait_until=now)


def _open(circuit: Circuit, now: datetime) -> Circuit:
    return replace(circuit, state=CircuitState.OPEN, wait_until=now + circuit.pause)


def _longer(circuit: Circuit, now: datetime) -> Circuit:
    """Open, with twice the pause."""
    return _open(replace(circuit, pause=min(circuit.pause * 2, LONGEST_PAUSE)), now)
