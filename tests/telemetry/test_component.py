"""The monitoring component renders with the base and says what the rules say."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import BASE, CannotRenderError, rendered
from tests.telemetry.prometheus_rule import RESOURCE, resource
from tests.telemetry.rules import COMPONENT, groups


def test_the_operators_alerts_are_those_of_the_one_file() -> None:
    text = RESOURCE.read_text(encoding="utf-8")
    assert text == resource()
    assert yaml.safe_load(text)["spec"]["groups"] == groups()


def test_the_component_goes_with_the_base(tmp_path: Path) -> None:
    try:
        rendered(BASE)
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
    assert {"PrometheusRule", "ServiceMonitor", "Deployment"} <= kinds


def _from(folder: Path, to: Path) -> str:
    """The relative path, which is all that kustomize takes."""
    ups = "/".join([".."] * len(folder.resolve().parts[1:]))
    return f"{ups}{to.resolve()}"
