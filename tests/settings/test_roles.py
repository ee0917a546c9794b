"""Which role reads what, and which secrets it must not hold (I7)."""

from collections.abc import Iterator, Mapping

import pytest

from service.settings.roles import Role, describe, load, misplaced_secrets

from .environment import CANARY, KEY, REQUIRED

each_role = pytest.mark.parametrize("role", list(Role))


class Watched(Mapping[str, str]):
    """An environment that remembers which names it was asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@each_role
def test_what_is_described_is_exactly_what_load_reads(role: Role) -> None:
    environ = Watched(REQUIRED[role])
    load(role, environ)
    names = [setting.name for setting in describe(role)]
    assert {name.removesuffix("_FILE") for name in environ.asked} == set(names)
    assert len(names) == len(set(names))


@each_role
def test_the_description_tells_what_is_required_and_what_is_secret(role: Role) -> None:
    described = {setting.name: setting for setting in describe(role)}
    assert {name for name, found in described.items() if found.default is None} == set(
        REQUIRED[role]
    )
    for name, value in REQUIRED[role].items():
        assert described[name].secret is (CANARY in value or KEY in value)


@pytest.mark.parametrize(
    ("role", "names"),
    [
        (
            Role.INGRESS,
            {"METRIPORT_API_KEY", "ENCRYPTION_KEYS", "SEALING_PRIVATE_KEYS"},
        ),
        (Role.CONSUMERS, {"METRIPORT_API_KEY"}),
        (Role.GATEWAY, {"METRIPORT_WEBHOOK_KEYS", "SEALING_PRIVATE_KEYS", "CALLBACK_MAC_KEYS"}),
    ],
)
def test_a_secret_that_a_role_must_not_hold_is_named(role: Role, names: set[str]) -> None:
    assert misplaced_secrets(role, REQUIRED[role]) == []
    for name in {*names, "MIGRATION_DATABASE_URL"}:
        assert misplaced_secrets(role, {**REQUIRED[role], name: CANARY}) == [name]
        assert misplaced_secrets(role, {**REQUIRED[role], f"{name}_FILE": "/x"}) == [name]


@each_role
def test_no_role_is_told_off_for_what_it_needs(role: Role) -> None:
    assert misplaced_secrets(role, REQUIRED[role]) == []
