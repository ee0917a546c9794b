"""Which role holds which secret: exactly what it needs, and never what it must not hold."""

import pytest

from service.settings.roles import FORBIDDEN, Role, describe, misplaced_secrets
from tests.deploy.manifests import ROOT, WITH_PODS, Manifests

OPTIONAL = {"KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"}
"""Settings that may be absent and that a deployment with SASL has all the same."""


@pytest.mark.parametrize("role", WITH_PODS)
def test_a_role_is_given_every_setting_that_it_cannot_do_without(
    manifests: Manifests, role: Role
) -> None:
    environment = manifests.environment(manifests.workloads[role])
    given = {name.removesuffix("_FILE") for name in environment}
    assert {one.name for one in describe(role) if one.default is None} <= given


ON_CALL = (Role.TOOLS, Role.DISPATCH, Role.AUDIT, Role.REENCRYPT, Role.TOPICS)
"""Whose settings the tools of the person on call read."""


@pytest.mark.parametrize("tool", ON_CALL)
def test_a_pod_of_the_consumers_has_every_setting_that_a_tool_of_the_person_on_call_needs(
    manifests: Manifests, tool: Role
) -> None:
    environment = manifests.environment(manifests.workloads[Role.CONSUMERS])
    given = {name.removesuffix("_FILE") for name in environment}
    assert {one.name for one in describe(tool) if one.default is None} <= given


@pytest.mark.parametrize("role", WITH_PODS)
def test_a_role_is_given_no_secret_that_it_must_not_hold(manifests: Manifests, role: Role) -> None:
    workload = manifests.workloads[role]
    assert misplaced_secrets(role, manifests.environment(workload)) == []
    assert not {key for _, key in workload.mounted.values()} & set(FORBIDDEN[role])


@pytest.mark.parametrize("role", WITH_PODS)
def test_a_role_is_given_no_secret_that_it_does_not_read(manifests: Manifests, role: Role) -> None:
    reads = {one.name for one in describe(role) if one.secret} | OPTIONAL
    assert {key for _, key in manifests.workloads[role].mounted.values()} <= reads


@pytest.mark.parametrize("role", WITH_PODS)
def test_secrets_come_as_files_and_every_file_is_read(manifests: Manifests, role: Role) -> None:
    workload = manifests.workloads[role]
    environment = manifests.environment(workload)
    secret = {one.name for one in describe(role) if one.secret}
    assert not secret & set(environment), "a secret in the environment itself"
    named = {name: path for name, path in environment.items() if name.endswith("_FILE")}
    assert set(named.values()) == set(workload.mounted)
    for name, path in named.items():
        assert workload.mounted[path][1] == name.removesuffix("_FILE")


@pytest.mark.parametrize("role", WITH_PODS)
def test_mounted_secrets_follow_their_secret(manifests: Manifests, role: Role) -> None:
    for container in manifests.workloads[role].containers:
        assert not any("subPath" in mount for mount in container["volumeMounts"])


def test_no_secret_is_written_down_here(manifests: Manifests) -> None:
    secret = {one.name for role in Role for one in describe(role) if one.secret}
    assert not manifests.of_kind("Secret")
    for one in manifests.of_kind("ConfigMap"):
        assert not {name.removesuffix("_FILE") for name in one["data"]} & secret


def test_every_role_logs_in_to_postgres_and_kafka_as_itself(manifests: Manifests) -> None:
    logins = [
        (secret, key)
        for workload in manifests.workloads.values()
        for secret, key in workload.mounted.values()
        if key.endswith("DATABASE_URL") or key.startswith("KAFKA_SASL")
    ]
    assert len(set(logins)) == len(logins)


def test_settings_are_known_to_some_role(manifests: Manifests) -> None:
    known = {one.name for role in Role for one in describe(role)}
    for workload in manifests.workloads.values():
        given = {name.removesuffix("_FILE") for name in manifests.environment(workload)}
        assert given <= known, "a misspelt setting is one that nobody reads"


def test_the_readme_says_which_role_holds_which_secret(manifests: Manifests) -> None:
    columns = (Role.INGRESS, Role.CONSUMERS, Role.GATEWAY)
    told = {}
    for line in (ROOT / "deploy" / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `metriport-ias-"):
            roles = {role for role, cell in zip(columns, cells[2:5], strict=True) if cell}
            told[cells[0].strip("`")] = roles | ({Role(cells[5])} if cells[5] else set())
    held: dict[str, set[Role]] = {}
    for role, workload in manifests.workloads.items():
        for secret, _ in workload.mounted.values():
            held.setdefault(secret, set()).add(role)
    assert told == held
