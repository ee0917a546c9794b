"""What every pod may do, when it is stopped, and what image it runs."""

import re
import tomllib

from consumers.processes import lifecycle
from service.settings.roles import Role, describe
from tests.deploy.manifests import ROOT, WITH_PODS, Manifest, Manifests, Workload

LONG_RUNNING = {Role.INGRESS, Role.CONSUMERS, Role.GATEWAY}

ARGUMENTS = {
    Role.TOPICS: ["topics", "apply"],
    Role.AUDIT: ["audit", "verify", "--heads", "kafka"],
}
"""What a role is called with beside its name."""

SPARE = 2
"""Seconds between the longest way to stop and SIGKILL."""


def test_every_role_has_one_workload(manifests: Manifests) -> None:
    assert set(manifests.workloads) == set(WITH_PODS)
    assert set(manifests.long_running) == LONG_RUNNING


def test_every_pod_runs_the_command_of_the_role_that_its_label_names(manifests: Manifests) -> None:
    for role, workload in manifests.workloads.items():
        (container,) = workload.containers
        arguments = ARGUMENTS.get(role, [role.value])
        if manifests.name == "local" and role is Role.TOPICS:
            arguments = [*arguments, "--replication", "1"]  # a broker of its own
        assert container["args"] == arguments
        assert "command" not in container


LEAST = {"base": 2, "local": 1, "staging": 2, "production": 3}


def test_long_running_roles_have_replicas_that_are_not_taken_away_together(
    manifests: Manifests,
) -> None:
    budgets = {
        role: budget["spec"]["maxUnavailable"]
        for budget in manifests.of_kind("PodDisruptionBudget")
        for role in manifests.selected_by(budget["spec"]["selector"])
    }
    assert budgets == dict.fromkeys(LONG_RUNNING, 1)
    for workload in manifests.long_running.values():
        spec = workload.manifest["spec"]
        assert replicas(manifests, workload) >= LEAST[manifests.name]
        assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def replicas(manifests: Manifests, workload: Workload) -> int:
    """How many there are at least, whoever says so."""
    name = workload.manifest["metadata"]["name"]
    least = [
        one["spec"].get("minReplicas") or one["spec"]["minReplicaCount"]
        for one in scalers(manifests)
        if one["spec"]["scaleTargetRef"]["name"] == name
    ]
    fixed = workload.manifest["spec"].get("replicas")
    (number,) = [*least, *([] if fixed is None else [fixed])]
    assert isinstance(number, int)
    return number


def scalers(manifests: Manifests) -> list[Manifest]:
    return manifests.of_kind("HorizontalPodAutoscaler") + manifests.of_kind("ScaledObject")


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


def test_grace_periods_are_longer_than_the_longest_way_to_stop(manifests: Manifests) -> None:
    """A hook before the signal; after it a delay, the drain up to its limit, and the servers' closing."""
    delays = {one.name: one.default for one in describe(Role.INGRESS)}
    for workload in manifests.long_running.values():
        (container,) = workload.containers
        hook = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command")
        before = int(hook[1]) if hook else 0
        notice = (delays | manifests.environment(workload))["DRAIN_DELAY"]
        longest = before + int(notice or 0) + lifecycle.DRAIN_SECONDS + lifecycle.SHUTDOWN_SECONDS
        assert workload.pod["terminationGracePeriodSeconds"] >= longest + SPARE


def test_ports_are_those_that_the_code_opens_by_default(manifests: Manifests) -> None:
    default = {one.name: one.default for one in describe(Role.INGRESS)}
    for role, workload in manifests.long_running.items():
        settings = default | manifests.environment(workload)
        assert workload.ports["internal"] == int(settings["INTERNAL_PORT"] or 0)
        if role is Role.INGRESS:
            assert workload.ports["public"] == int(settings["HTTP_PORT"] or 0)


NAMES = {
    "base": "metriport-ias",
    "local": "metriport-ias",
    "staging": "registry.example.com/metriport-ias",
    "production": "registry.example.com/metriport-ias",
}


def test_every_image_is_the_projects_own_version_or_a_digest_and_never_the_latest(
    manifests: Manifests,
) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    tagged, pinned = f":{version}", r"@sha256:[0-9a-f]{64}"
    ending = pinned if manifests.name == "production" else re.escape(tagged)
    for workload in manifests.workloads.values():
        for container in workload.containers:
            assert re.fullmatch(re.escape(NAMES[manifests.name]) + ending, container["image"])
            assert "imagePullPolicy" not in container, "pulled where a tag may move, else found"


def test_every_object_says_what_it_is_part_of(manifests: Manifests) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for workload in manifests.workloads.values():
        labels = workload.labels
        assert labels["app.kubernetes.io/version"] == version
        assert labels["app.kubernetes.io/name"] == "metriport-ias"
        assert labels["app.kubernetes.io/part-of"] == "metriport-ias"
        assert labels["app.kubernetes.io/managed-by"] == "kustomize"
        assert workload.manifest["metadata"]["labels"]["app.kubernetes.io/component"]


def test_an_overlay_has_a_namespace_of_its_own_that_takes_restricted_pods_only(
    overlay: Manifests,
) -> None:
    (namespace,) = overlay.of_kind("Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for one in overlay.all:
        if one is not namespace:
            assert one["metadata"]["namespace"] == namespace["metadata"]["name"]
        assert one["metadata"]["labels"]["app.kubernetes.io/instance"] == overlay.name
