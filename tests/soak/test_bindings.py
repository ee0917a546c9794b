"""The campaign of bindings: rules that bind too much are found, by whatever is another's."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.commands import StartNetworkQuery
from schemas.ids import SubjectId
from service.ias.aal2 import SessionState
from service.ias.identity import Bind, Unbound, choose
from service.testing import commands
from service.testing.world import World
from tests.soak.bindings import play

SEEDS = range(60)


def _by_whatever_is_named(claim: Any, **found: Any) -> Bind | Unbound:
    """As if a page said enough where our id says something else."""
    return Bind(found["by_session"]) if found["by_session"] else choose(claim, **found)


def test_nothing_is_bound_to_another_and_queries_are_made() -> None:
    played = [play(seed) for seed in SEEDS]
    assert [one for _, wrong, _ in played for one in wrong] == []
    assert sum(scene.bound for scene, _, _ in played) > len(SEEDS)
    assert sum(scene.refused for scene, _, _ in played) > len(SEEDS)
    assert sum(queries for _, _, queries in played) > 2 * len(SEEDS)


def test_a_case_is_its_seed() -> None:
    assert [play(3)[0].world.outbox.told] == [play(3)[0].world.outbox.told]


def test_an_identity_that_is_bound_by_one_of_two_names_is_found() -> None:
    wrong = [one for seed in SEEDS for one in play(seed, _by_whatever_is_named)[1]]
    assert any("is held by" in one for one in wrong)


def test_a_session_of_another_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a received session could be used though nobody confirmed it."""

    def usable(world: World, kept: Any) -> bool:
        state = SessionState.CONFIRMED
        is_received = kept.rule.state is SessionState.RECEIVED
        return is_usable(
            world, replace(kept, rule=replace(kept.rule, state=state)) if is_received else kept
        )

    is_usable = World.is_usable
    monkeypatch.setattr(World, "is_usable", usable)
    wrong = [one for seed in SEEDS for one in play(seed)[1]]
    assert any("has the session of" in one for one in wrong)


def test_a_query_that_is_made_for_another_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a command acted for the other of two people who share a patient."""

    def query(world: World, command: Any) -> None:
        other = {"ann": "bob", "bob": "ann"}.get(command.subject_id, "cy")
        made(world, type(command)(**_fields(command) | {"subject_id": SubjectId(other)}))

    made = commands.query
    handler: dict[type, Any] = {**commands.HANDLERS, StartNetworkQuery: query}
    monkeypatch.setattr("service.testing.taking.HANDLERS", handler)
    wrong = [one for seed in SEEDS for one in play(seed)[1]]
    assert any("has the identity of" in one for one in wrong)


def _fields(command: Any) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__struct_fields__}
