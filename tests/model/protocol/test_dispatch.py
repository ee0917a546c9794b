"""The dispatch of network queries, in every order of steps that the model knows (I3, I4)."""

import pytest

from .breakages import BREAKAGES, Broken
from .dispatch import Protocol, explored
from .explorer import STUCK, Explored
from .invariants import EVERY, FENCED, STARTED
from .state import Query, Setup, State

ONE = Setup(replicas=3)
ONE_RESENT = Setup(replicas=3, resend=True)
TWO = Setup(attempts=(1, 1))
TWO_RESENT = Setup(attempts=(2, 1), replicas=1, resend=True)
STANDS_STILL = Setup(attempts=(2,), resend=True, prompt=False)
SETUPS = {
    "one query, three replicas": ONE,
    "one query, three replicas, sent once more": ONE_RESENT,
    "two queries of a patient": TWO,
    "two queries of a patient, one sent once more": TWO_RESENT,
}


@pytest.fixture
def resent() -> Explored[State]:
    """What the model of one query reaches under ``UNKNOWN_POLICY=resend``."""
    return explored(ONE_RESENT).found


def _queries(found: Explored[State]) -> set[Query]:
    return {query for state in found.states for query in state.queries}


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS.keys())
def test_no_order_of_steps_breaks_the_protocol(setup: Setup) -> None:
    """I3, I4: claims, kills, stalls, lost and late answers, proof, deadlines."""
    found = explored(setup).found
    print(f"{len(found.states)} states, {found.steps} steps between them")
    assert found.trace == ()
    assert len(found.states) > 400


@pytest.mark.parametrize("broken", BREAKAGES, ids=lambda broken: broken.protocol.__name__)
def test_a_protocol_that_was_broken_on_purpose_is_found(broken: Broken) -> None:
    held = {name: holds for name, holds in EVERY.items() if name == broken.violates}
    assert held or broken.violates == STUCK
    found = broken.protocol(broken.setup).explore(held)
    print(*found.trace, sep="\n")
    assert found.violated == broken.violates
    assert len(found.trace) > 2
    assert explored(broken.setup).found.violated is None, "so it is the breakage"


def test_a_process_that_stands_still_before_its_call_may_make_it_late() -> None:
    """No process can rule that out from within; the call is not silent, for its outcome is unknown."""
    found = Protocol(STANDS_STILL).explore()
    assert found.trace == (
        "A1: is claimed, its intent committed",
        "A1: has not stood still until now",
        "A: its lease runs out",
        "A1: the call is sent",
        FENCED,
    )


def test_at_most_one_call_is_accepted_unless_told_though_processes_stand_still() -> None:
    """I3 needs no assumption about time."""
    found = explored(STANDS_STILL).found
    print(f"{len(found.states)} states, {found.steps} steps between them")
    assert found.trace == ()


def test_a_late_call_may_be_taken_for_another_only_after_its_deadline_and_without_its_metadata() -> (
    None
):
    """What is left of that race: hours late, in the minutes of another call that has no answer."""
    late = Setup(attempts=(1, 1), prompt=False)
    found = explored(late).found
    assert found.violated == STARTED
    assert {"A: its deadline passes", "A: its lease runs out"} < set(found.trace)
    assert explored(late._replace(forgets=False)).found.trace == ()


def test_both_calls_may_be_accepted_and_both_are_known_as_ours(resent: Explored[State]) -> None:
    twice = [query for query in _queries(resent) if len(query.accepted) == 2]
    assert all(query.told >= {"unknown", "queued again"} for query in twice)
    assert {len(query.ids) for query in twice} == {0, 1, 2}
    assert {query.standing for query in twice if len(query.ids) == 2} >= {"started", "completed"}


def test_an_answer_that_comes_after_its_lease_changes_nothing(resent: Explored[State]) -> None:
    """Proof is then what ends the doubt."""
    assert "A1: accepted comes too late to be recorded" in resent.names
    assert any(query.standing == "unknown" and query.accepted for query in _queries(resent))


def test_a_query_may_rest_as_unknown_though_no_call_was_ever_made(resent: Explored[State]) -> None:
    killed = [query for query in _queries(resent) if query.standing == "unknown"]
    assert any(not query.calls and query.attempts == 1 for query in killed)


def test_without_the_policy_nothing_is_sent_once_more() -> None:
    for query in _queries(explored(ONE).found):
        assert len(query.calls) <= 1
        assert "queued again" not in query.told


def test_the_second_query_of_a_patient_waits_for_the_slot_and_gets_it() -> None:
    found = explored(TWO).found
    assert {"B: waits for the slot", "B1: the call is sent"} < found.names
    begun = [state for state in found.states if state.queries[0].standing == "started"]
    assert any(state.queries[1].standing == "waiting" for state in begun)
