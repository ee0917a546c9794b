"""The monitoring component renders with the base, says what the rules say, and scrapes every role."""

import subprocess
from pathlib import Path

import pytest
import yaml

from service.settings.roles import Role
from tests.deploy.manifests import BASE, CannotRenderError, Manifests, from_files, rendered
from tests.telemetry.prometheus_rule import RESOURCE, resource
from tests.telemetry.rules import COMPONENT, groups


def test_the_operators_alerts_are_those_of_the_one_file() -> None:
    text = RESOURCE.read_text(encoding="utf-8")
    assert text == resource()
    assert yaml.safe_load(text)["spec"]["groups"] == groups()


def test_the_pods_of_every_role_that_runs_are_scraped_at_their_internal_port() -> None:
    monitor = yaml.safe_load((COMPONENT / "pods.yaml").read_text(encoding="utf-8"))
    manifests = Manifests(from_files())
    selected = manifests.selected_by(monitor["spec"]["selector"])
    assert selected == {Role.INGRESS, Role.CONSUMERS, Role.GATEWAY}
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    for role in selected:
        assert manifests.workloads[role].ports[endpoint["port"]] == 9090


def test_the_component_goes_with_the_base(tmp_path: Path) -> None:
    try:
        rendered()
    except CannotRenderError as error:
        pytest.skip(str(error))
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    here = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [_from(overlay, BASE)],
        "components": [_from(overlay, COMPONENT)],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(here), encoding="utf-8")
    done = subprocess.run(
        ["kubectl", "kustomize", str(overlay)], check=True, capture_output=True, timeout=60
    )
    kinds = {manifest["kind"] for manifest in yaml.safe_load_all(done.stdout)}
    assert {"PrometheusRule", "PodMonitor", "Deployment"} <= kinds


def _from(folder: Path, to: Path) -> str:
    """The relative path, which is all that kustomize takes."""
    ups = "/".join([".."] * len(folder.resolve().parts[1:]))
    return f"{ups}{to.resolve()}"
