"""The component for the first days: the roles that keep shapes have a folder for them, and nobody else has."""

import os
from pathlib import Path

import pytest

from service.settings.roles import Role, describe
from tests.deploy.manifests import KUSTOMIZE, CannotRenderError, Manifests, rendered
from tests.deploy.test_schemas import NEWEST, check


@pytest.fixture
def observing(tmp_path: Path) -> Manifests:
    """The production overlay with the component, as somebody's own overlay would have it."""
    production, component = (
        os.path.relpath(KUSTOMIZE / name, tmp_path.resolve())
        for name in ("overlays/production", "components/observing")
    )
    (tmp_path / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        f"resources: [{production}]\ncomponents: [{component}]\n",
        encoding="utf-8",
    )
    try:
        return Manifests("observing", rendered(tmp_path.resolve()))
    except CannotRenderError as error:
        pytest.skip(str(error))


def test_exactly_the_roles_that_keep_shapes_may_write_to_their_folder(observing: Manifests) -> None:
    writing = set()
    for role, workload in observing.workloads.items():
        (container,) = workload.containers
        mounts = {one["name"]: one for one in container["volumeMounts"]}
        volumes = {one["name"]: one for one in workload.pod["volumes"]}
        assert set(mounts) == set(volumes)
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        if "shapes" in mounts:
            writing.add(role)
            folder = observing.environment(workload)["SHAPES_FOLDER"]
            assert mounts["shapes"] == {"name": "shapes", "mountPath": folder}
            assert set(volumes["shapes"]["emptyDir"]) == {"sizeLimit"}
        check(workload.manifest, NEWEST)
    keeps = {role for role in Role for one in describe(role) if one.name == "SHAPES_FOLDER"}
    assert writing == keeps == {Role.INGRESS, Role.GATEWAY}
