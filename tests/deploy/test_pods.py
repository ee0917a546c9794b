"""What every pod may do, when it is stopped, and what image it runs."""

import tomllib

from service.settings.roles import Role, describe
from tests.deploy.manifests import ROOT, WITH_PODS, Manifests, Workload

DRAIN = {Role.INGRESS: 25, Role.CONSUMERS: 30, Role.GATEWAY: 45}
"""Seconds that a role may take from SIGTERM to its end."""

ARGUMENTS = {
    Role.TOPICS: ["topics", "apply"],
    Role.AUDIT: ["audit", "verify", "--heads", "kafka"],
}
"""What a role is called with beside its name."""

SPARE = 5
"""Seconds between the longest drain and SIGKILL."""


def test_every_role_has_one_workload(manifests: Manifests) -> None:
    assert set(manifests.workloads) == set(WITH_PODS)
    assert set(manifests.long_running) == set(DRAIN)


def test_every_pod_runs_the_command_of_the_role_that_its_label_names(manifests: Manifests) -> None:
    for role, workload in manifests.workloads.items():
        (container,) = workload.containers
        assert container["args"] == ARGUMENTS.get(role, [role.value])
        assert "command" not in container


def test_long_running_roles_have_two_replicas_that_are_not_taken_away_together(
    manifests: Manifests,
) -> None:
    budgets = {
        role: budget["spec"]["maxUnavailable"]
        for budget in manifests.of_kind("PodDisruptionBudget")
        for role in manifests.selected_by(budget["spec"]["selector"])
    }
    assert budgets == dict.fromkeys(DRAIN, 1)
    for workload in manifests.long_running.values():
        spec = workload.manifest["spec"]
        assert spec["replicas"] == 2
        assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_audit_is_checked_every_day_and_keys_are_changed_only_when_somebody_says_so(
    manifests: Manifests,
) -> None:
    tools = {Workload(one).role: one["spec"] for one in manifests.of_kind("CronJob")}
    assert set(tools) == {Role.AUDIT, Role.REENCRYPT}
    _, _, *days = tools[Role.AUDIT]["schedule"].split()
    assert days == ["*", "*", "*"]
    assert not tools[Role.AUDIT].get("suspend", False)
    assert tools[Role.REENCRYPT]["suspend"] is True
    for spec in tools.values():
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_every_workload_selects_and_spreads_its_own_pods_only(manifests: Manifests) -> None:
    for role, workload in manifests.long_running.items():
        assert manifests.selected_by(workload.manifest["spec"]["selector"]) == {role}
        for constraint in workload.pod["topologySpreadConstraints"]:
            assert manifests.selected_by(constraint["labelSelector"]) == {role}


def test_every_pod_fits_the_restricted_pod_security_standard(manifests: Manifests) -> None:
    for workload in manifests.workloads.values():
        pod = workload.pod
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for container in workload.containers:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert not {"privileged", "runAsUser", "runAsNonRoot", "seccompProfile"} & set(context)
        assert all(set(volume) == {"name", "projected"} for volume in pod["volumes"])


def test_no_container_can_write_to_its_file_system(manifests: Manifests) -> None:
    for workload in manifests.workloads.values():
        for container in workload.containers:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert all(mount["readOnly"] is True for mount in container["volumeMounts"])


def test_no_pod_can_talk_to_the_cluster(manifests: Manifests) -> None:
    accounts = {one["metadata"]["name"]: one for one in manifests.of_kind("ServiceAccount")}
    used = [workload.pod["serviceAccountName"] for workload in manifests.workloads.values()]
    assert sorted(used) == sorted(accounts), "one account a role"
    assert all(one["automountServiceAccountToken"] is False for one in accounts.values())
    for workload in manifests.workloads.values():
        assert workload.pod["automountServiceAccountToken"] is False
        assert workload.pod["enableServiceLinks"] is False


def test_every_container_asks_for_resources_and_has_limits(manifests: Manifests) -> None:
    for workload in manifests.workloads.values():
        for container in workload.containers:
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}
            assert set(container["resources"]["limits"]) == {"cpu", "memory"}


def test_liveness_asks_the_process_only_and_readiness_its_dependencies(
    manifests: Manifests,
) -> None:
    for workload in manifests.long_running.values():
        (container,) = workload.containers
        paths = {
            kind: container[f"{kind}Probe"]["httpGet"]
            for kind in ("startup", "liveness", "readiness")
        }
        assert paths == {
            "startup": {"path": "/livez", "port": "internal"},
            "liveness": {"path": "/livez", "port": "internal"},
            "readiness": {"path": "/readyz", "port": "internal"},
        }


def test_grace_periods_are_longer_than_what_comes_before_them(manifests: Manifests) -> None:
    for role, workload in manifests.long_running.items():
        (container,) = workload.containers
        hook = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command")
        waits = int(hook[1]) if hook else 0
        assert workload.pod["terminationGracePeriodSeconds"] >= waits + DRAIN[role] + SPARE


def test_ports_are_those_that_the_code_opens_by_default(manifests: Manifests) -> None:
    default = {one.name: one.default for one in describe(Role.INGRESS)}
    for role, workload in manifests.long_running.items():
        settings = default | manifests.environment(workload)
        assert workload.ports["internal"] == int(settings["INTERNAL_PORT"] or 0)
        if role is Role.INGRESS:
            assert workload.ports["public"] == int(settings["HTTP_PORT"] or 0)


def test_every_image_is_the_projects_own_version_and_never_the_latest(manifests: Manifests) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for workload in manifests.workloads.values():
        for container in workload.containers:
            assert container["image"] == f"metriport-ias:{version}"


def test_the_version_label_is_that_of_the_image(manifests: Manifests) -> None:
    for workload in manifests.workloads.values():
        label = workload.labels["app.kubernetes.io/version"]
        assert workload.containers[0]["image"] == f"metriport-ias:{label}"
