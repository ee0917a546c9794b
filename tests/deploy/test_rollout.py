"""deploy/rollout.sh, with a kubectl that writes down what it is asked."""

import os
import subprocess
from pathlib import Path

import pytest

from service.settings.roles import Role
from tests.deploy.manifests import ROOT, Manifests

SCRIPT = ROOT / "deploy" / "rollout.sh"
KUBECTL = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
case "$*" in "$FAILS"*) exit 1 ;; esac
"""


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)
    return tmp_path


def roll_out(folder: Path, *only: str, fails: str = "nothing") -> tuple[int, list[str]]:
    calls = folder / "calls"
    done = subprocess.run(
        [SCRIPT, "OVERLAY", "NAMESPACE", *only],
        env={"PATH": f"{folder}:{os.defpath}", "CALLS": str(calls), "FAILS": fails},
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode, calls.read_text().splitlines()


def test_the_jobs_are_complete_before_anything_that_runs_is_touched(kubectl: Path) -> None:
    code, calls = roll_out(kubectl)
    assert code == 0
    jobs = "app.kubernetes.io/name=metriport-ias,app.kubernetes.io/component in (migrate, topics)"
    assert calls[:4] == [
        f"delete job --namespace NAMESPACE --selector {jobs} --ignore-not-found",
        "apply --kustomize OVERLAY --selector app.kubernetes.io/component notin (ingress, consumers, gateway)",
        f"wait job --namespace NAMESPACE --selector {jobs} --for condition=complete --timeout 11m",
        "apply --kustomize OVERLAY",
    ]
    assert [call.split()[:2] for call in calls[4:]] == [["rollout", "status"]] * 3


def test_after_a_restore_the_jobs_run_alone(kubectl: Path) -> None:
    """The gateways are scaled to nothing then, and have to stay so until somebody has looked."""
    code, calls = roll_out(kubectl, "jobs")
    assert code == 0
    assert [call.split()[0] for call in calls] == ["delete", "apply", "wait"]
    assert "notin (ingress, consumers, gateway)" in calls[1]


@pytest.mark.parametrize("step", ["delete", "apply", "wait"])
def test_pods_of_the_new_version_are_not_started_when_a_step_before_failed(
    kubectl: Path, step: str
) -> None:
    code, calls = roll_out(kubectl, fails=step)
    assert code != 0
    assert calls[-1].startswith(step)
    assert "apply --kustomize OVERLAY" not in calls


def test_what_is_applied_first_holds_both_jobs_and_all_that_they_mount_and_no_deployment(
    overlay: Manifests,
) -> None:
    later = {"ingress", "consumers", "gateway"}
    first = [
        one
        for one in overlay.all
        if one["metadata"]["labels"].get("app.kubernetes.io/component") not in later
    ]
    names = {(one["kind"], one["metadata"]["name"]) for one in first}
    jobs = [overlay.workloads[role] for role in (Role.MIGRATE, Role.TOPICS)]
    for job in jobs:
        assert ("Job", job.manifest["metadata"]["name"]) in names
        assert ("ServiceAccount", job.pod["serviceAccountName"]) in names
        for container in job.containers:
            for source in container.get("envFrom", []):
                assert ("ConfigMap", source["configMapRef"]["name"]) in names
    assert not {kind for kind, _ in names} & {"Deployment", "HorizontalPodAutoscaler"}
    assert ("NetworkPolicy", "metriport-ias-deny-all") in names


def test_the_wait_is_longer_than_the_jobs_may_take(overlay: Manifests) -> None:
    """A Job that failed ends the wait with an error; one that runs is never overtaken."""
    for role in (Role.MIGRATE, Role.TOPICS):
        assert overlay.workloads[role].manifest["spec"]["activeDeadlineSeconds"] < 11 * 60
