"""The tables of transitions: every pair is decided, nothing moves backwards, and what the issue's words
promise is what they say."""

import ast
import itertools
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from schemas import events
from schemas.commands import COMMANDS
from schemas.endings import ENDS
from schemas.events import IdentityRevoked
from schemas.ids import CommandId, PatientId, RequestId, SubjectId
from service.ias import machine as machine_module
from service.ias.aal2_table import CHALLENGE, SESSION
from service.ias.consolidated_table import CONSOLIDATED
from service.ias.identity import IdentityState
from service.ias.identity_table import IDENTITY, VERIFICATION, IdentityCue
from service.ias.machine import Effect, Machine, Step
from service.ias.network_query_table import QUERY
from service.ias.telling import ENDED_BY, ends, head
from service.ias.transitions import MACHINES

TABLES = Path(machine_module.__file__).parent
each_machine = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)

ARROWS = {
    "Identity verification": "pending verified, verified revoked, verified superseded, pending expired,"
    " expired verified, pending failed, pending revoked",
    "Identity": "active superseded, active revoked, active stopped",
    "AAL2 challenge": "pending returned, pending expired, pending failed",
    "AAL2 session": "received confirmed, confirmed proven, proven expired, proven refused,"
    " received expired, confirmed refused",
    "Network query": "due waiting, waiting dispatching, due dispatching, dispatching started,"
    " started completed, started partial, started failed, due refused, waiting refused,"
    " dispatching refused, dispatching unknown, unknown started, dispatching due",
    "Source of a network query": "processing completed, processing failed, completed failed, failed completed",
    "Consolidated query": "due dispatching, dispatching started, started ready, started failed",
}
"""Written down from the protocol's description, not from the tables."""

NEVER = {
    "Identity verification": "revoked verified, superseded verified, failed verified, verified pending,"
    " verified expired",
    "Identity": "stopped active, stopped superseded, stopped revoked",
    "AAL2 challenge": "expired returned, failed returned, returned pending",
    "AAL2 session": "received proven, expired proven, refused confirmed, expired confirmed,"
    " proven confirmed",
    "Network query": "unknown due, unknown dispatching, refused started, completed started, started due,"
    " started refused, unknown refused, partial started",
    "Source of a network query": "completed processing, failed processing",
    "Consolidated query": "ready started, failed ready, ready failed, started due, due started",
}


def _arrows(text: str) -> set[tuple[str, str]]:
    return {(one, other) for one, other in (pair.split() for pair in text.split(","))}


def _moves(machine: Machine[Any, Any]) -> set[tuple[str, str]]:
    return {(str(state), str(step.to)) for (state, _), step in machine.table.items()}


@each_machine
def test_every_pair_of_state_and_cue_is_decided_with_a_reason(machine: Machine[Any, Any]) -> None:
    states, cues = set(machine.rank), set(machine.cues)
    assert set(machine.table) == set(itertools.product(states, cues))
    for state in states:
        for cue in cues:
            assert machine.step(state, cue).why


@each_machine
def test_no_pair_moves_backwards(machine: Machine[Any, Any]) -> None:
    for (state, _), step in machine.table.items():
        assert machine.rank[step.to] >= machine.rank[state]


@each_machine
def test_the_arrows_that_the_protocol_names_are_there(machine: Machine[Any, Any]) -> None:
    assert _arrows(ARROWS[machine.name]) <= _moves(machine)


@each_machine
def test_the_moves_that_the_protocol_forbids_are_not(machine: Machine[Any, Any]) -> None:
    assert _arrows(NEVER[machine.name]) & _moves(machine) == set()


@each_machine
def test_every_state_can_be_reached(machine: Machine[Any, Any]) -> None:
    reached = {str(state) for state in machine.start}
    for _ in machine.rank:
        reached |= {to for state, to in _moves(machine) if state in reached}
    assert reached == {str(state) for state in machine.rank}


@each_machine
def test_a_pair_that_is_not_written_stays_and_says_nothing(machine: Machine[Any, Any]) -> None:
    for (state, cue), step in machine.table.items():
        if cue not in machine.steps.get(state, {}):
            assert (step.to, step.tells, step.calls) == (state, (), ())


@pytest.mark.parametrize(
    "machine", [VERIFICATION, IDENTITY, CHALLENGE, SESSION, QUERY, CONSOLIDATED]
)
def test_erasure_stops_what_was_not_sent_and_tells_nothing(machine: Machine[Any, Any]) -> None:
    """The receipt of the erasure is the one event."""
    cue = next(cue for cue in machine.cues if cue == "erased")
    assert all(machine.step(state, cue).tells == () for state in machine.rank)
    assert all(machine.step(state, cue).to not in machine.start for state in machine.start)


def test_a_machine_does_what_its_steps_say_and_otherwise_stays_for_the_reason_given() -> None:
    proved = Step(IdentityState.REVOKED, "a step", (IdentityRevoked,), (Effect.STOP_HOLDER,))
    made = _identity(
        steps={IdentityState.ACTIVE: {IdentityCue.PROVED: proved}},
        otherwise={state: f"{state} stays" for state in IdentityState},
    )
    for state, cue in itertools.product(IdentityState, IdentityCue):
        if (state, cue) == (IdentityState.ACTIVE, IdentityCue.PROVED):
            assert made.step(state, cue) == proved
        else:
            assert made.step(state, cue) == Step(state, f"{state} stays")


def test_what_was_checked_once_cannot_be_changed_any_more() -> None:
    made: Any = _identity()
    with pytest.raises(TypeError):
        made.table[IdentityState.STOPPED, IdentityCue.PROVED] = Step(IdentityState.ACTIVE, "back")


def test_a_table_with_a_hole_is_refused() -> None:
    with pytest.raises(ValueError, match="stopped on proved is not decided"):
        _identity(otherwise={state: "why" for state in IdentityState if state != "stopped"})


def test_a_step_backwards_is_refused() -> None:
    back = {IdentityCue.PROVED: Step(IdentityState.ACTIVE, "wrong")}
    with pytest.raises(ValueError, match="stopped on proved moves backwards"):
        _identity(steps={IdentityState.STOPPED: back})


def test_a_state_without_a_rank_and_a_cue_without_a_meaning_are_refused() -> None:
    with pytest.raises(ValueError, match="every state needs a rank"):
        _identity(rank={IdentityState.ACTIVE: 0})
    with pytest.raises(ValueError, match="every cue needs a meaning"):
        _identity(cues={IdentityCue.PROVED: "only one"})


def _identity(**change: Any) -> Machine[IdentityState, IdentityCue]:
    given: dict[str, Any] = {
        "name": "identity",
        "about": "",
        "start": (IdentityState.ACTIVE,),
        "rank": IDENTITY.rank,
        "cues": IDENTITY.cues,
        "steps": {},
        "otherwise": dict.fromkeys(IdentityState, "why"),
    }
    return Machine(**(given | change))


def test_the_events_that_end_a_command_are_those_of_the_catalogue() -> None:
    """I4."""
    catalogued = {kind for kinds in ENDS.values() for kind in kinds}
    assert catalogued | {events.CommandRejected} == set(ENDED_BY)


def test_an_event_ends_only_a_command_of_its_kind() -> None:
    """I4: a query that asks for a challenge is told of the return, which is not its end."""
    assert ENDED_BY[events.Aal2SessionReceived] == {
        "ias.command.StartAal2Challenge",
        "ias.command.CompleteAal2Challenge",
    }
    assert ENDED_BY[events.NetworkQueryFinished] == {"ias.command.StartNetworkQuery"}
    assert ENDED_BY[events.CommandRejected] == set(COMMANDS)


def test_the_head_of_an_event_says_whom_and_what_it_is_about() -> None:
    command, request = CommandId(UUID(int=1)), RequestId(UUID(int=2))
    about = head(SubjectId("u-7781"), PatientId("p-1"), command, request)
    told = IdentityRevoked(**about, reason="revoked")
    assert (told.subject_id, told.patient_id) == ("u-7781", "p-1")
    assert (told.command_id, told.request_id) == (command, request)
    assert told.sequence == 0, "the outbox gives the real one"


def test_an_event_knows_whether_it_ends_its_command() -> None:
    about = head(SubjectId("u-7781"))
    assert ends(IdentityRevoked(**about, reason="revoked"))
    assert not ends(events.NetworkQueryQueued(**about))


@pytest.mark.parametrize("path", sorted(TABLES.glob("*_table.py")), ids=lambda path: path.stem)
def test_no_pair_is_decided_twice(path: Path) -> None:
    """In a literal the second would silently win."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            keys = [ast.unparse(key) for key in node.keys if key is not None]
            assert len(keys) == len(set(keys))
