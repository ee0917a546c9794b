"""What calls and probes make of a circuit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reasons import Reason
from service.gateway.circuit.rule import (
    Circuit,
    CircuitState,
    Permission,
    after_call,
    after_probe,
    fresh,
    permission,
)
from service.gateway.outcome import (
    Accepted,
    CredentialDoubt,
    KeyRefused,
    NotSent,
    Outcome,
    Refused,
    SlowDown,
    Unknown,
)

NOW = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ANSWERS: list[Outcome] = [
    Accepted(b"{}"),
    Refused(Reason.VENDOR_REFUSED, 400),
    CredentialDoubt(403),
    KeyRefused(),
    SlowDown(4 * SECOND),
]
FAULTS: list[Outcome] = [NotSent(), Unknown(), Unknown(503)]


def _after_faults(number: int, call_id: UUID | None = None) -> Circuit:
    circuit = fresh(NOW)
    for _ in range(number):
        circuit = after_call(circuit, call_id or uuid4(), Unknown(503), NOW)
    return circuit


def _half_open() -> Circuit:
    return after_probe(_after_faults(5), Accepted(b""), NOW + 15 * SECOND)


def test_four_calls_without_an_answer_change_nothing_for_the_fifth() -> None:
    assert permission(_after_faults(4), NOW) is Permission.CALL


def test_the_fifth_call_in_a_row_without_an_answer_opens_the_circuit() -> None:
    circuit = _after_faults(5)
    assert circuit.state is CircuitState.OPEN
    assert permission(circuit, NOW) is Permission.WAIT
    assert permission(circuit, NOW + 14 * SECOND) is Permission.WAIT
    assert permission(circuit, NOW + 15 * SECOND) is Permission.PROBE


def test_one_call_that_never_gets_an_answer_stops_nobody() -> None:
    """Its own content may be to blame: a person's input can never stop dispatch for others."""
    assert permission(_after_faults(100, uuid4()), NOW) is Permission.CALL


@pytest.mark.parametrize("answer", ANSWERS)
def test_any_answer_ends_a_row_of_faults(answer: Outcome) -> None:
    """A refusal and "slow down" show that the vendor works."""
    circuit = after_call(_after_faults(4), uuid4(), answer, NOW)
    assert circuit == fresh(NOW)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_probe_without_an_answer_doubles_the_pause_up_to_five_minutes(fault: Outcome) -> None:
    circuit, pauses = _after_faults(5), []
    for _ in range(7):
        circuit = after_probe(circuit, fault, NOW)
        pauses.append((circuit.wait_until - NOW).total_seconds())
    assert pauses == [30, 60, 120, 240, 300, 300, 300]


def test_a_probe_that_is_answered_lets_one_call_be_tried() -> None:
    assert permission(_half_open(), NOW + 15 * SECOND) is Permission.TRY_ONE


def test_while_the_trial_is_somebodys_nobody_else_calls() -> None:
    taken = replace(_half_open(), wait_until=NOW + timedelta(minutes=2))
    assert permission(taken, NOW + timedelta(minutes=1)) is Permission.WAIT
    assert permission(taken, NOW + timedelta(minutes=2)) is Permission.TRY_ONE  # its replica died


def test_a_trial_that_is_answered_closes_the_circuit() -> None:
    assert after_call(_half_open(), uuid4(), Accepted(b""), NOW) == fresh(NOW)


def test_a_trial_without_an_answer_opens_it_for_twice_as_long() -> None:
    circuit = after_call(_half_open(), uuid4(), Unknown(), NOW)
    assert circuit.state is CircuitState.OPEN
    assert permission(circuit, NOW + 29 * SECOND) is Permission.WAIT
    assert permission(circuit, NOW + 30 * SECOND) is Permission.PROBE


def test_after_it_closed_the_next_outage_begins_with_the_short_pause_again() -> None:
    circuit = after_call(_half_open(), uuid4(), Accepted(b""), NOW)
    for _ in range(5):
        circuit = after_call(circuit, uuid4(), NotSent(), NOW)
    assert circuit.wait_until - NOW == 15 * SECOND


@pytest.mark.parametrize("late", [*ANSWERS, *FAULTS])
def test_calls_that_were_under_way_when_it_opened_change_nothing(late: Outcome) -> None:
    """One slow answer from before must not let everybody in."""
    opened = _after_faults(5)
    assert after_call(opened, uuid4(), late, NOW) == opened


@given(outcomes=st.lists(st.sampled_from([*ANSWERS, *FAULTS]), max_size=40))
def test_no_row_of_outcomes_leaves_a_circuit_that_waits_for_ever(outcomes: list[Outcome]) -> None:
    """I4: whatever was seen, five minutes later something may be done."""
    circuit, now = fresh(NOW), NOW
    for outcome in outcomes:
        if permission(circuit, now) is Permission.PROBE:
            circuit = after_probe(circuit, outcome, now)
        else:
            circuit = after_call(circuit, uuid4(), outcome, now)
        now += 20 * SECOND
    assert permission(circuit, now + timedelta(minutes=5)) is not Permission.WAIT
