"""The manifests as Python sees them: from the files as they stand, or as kustomize renders them."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import yaml

from service.settings.roles import Role

ROOT: Final = Path(__file__).parents[2]
KUSTOMIZE: Final = ROOT / "deploy" / "kustomize"
BASE: Final = KUSTOMIZE / "base"
OVERLAYS: Final = ("local", "staging", "production")
REQUIRE: Final = "REQUIRE_KUBECTL"
"""Where this is set, as in CI, a machine without kubectl fails instead of skipping."""

WITH_PODS: Final = tuple(
    role for role in Role if role not in {Role.WEBHOOK, Role.DISPATCH, Role.TOOLS}
)
"""Every role runs somewhere: as a Deployment, as a Job of each version, or as a CronJob. But ``webhook`` is
run by a person, who takes the file that it writes from there."""

Manifest = dict[str, Any]


class CannotRenderError(Exception):
    """This machine has no kubectl with kustomize in it."""


def from_files() -> list[Manifest]:
    """What the files say, with what kustomize adds and the checks need: tags, labels, settings."""
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    found = [
        manifest
        for name in kustomization["resources"]
        for manifest in yaml.safe_load_all((BASE / name).read_text())
    ]
    tags = {image["name"]: image["newTag"] for image in kustomization["images"]}
    for workload in (Workload(manifest) for manifest in found if is_workload(manifest)):
        for labels in kustomization["labels"]:
            workload.labels.update(labels["pairs"])
        for container in workload.containers:
            container["image"] += ":" + tags[container["image"]]
    return found + [
        {
            "kind": "ConfigMap",
            "metadata": {"name": generator["name"]},
            "data": dict(literal.split("=", 1) for literal in generator["literals"]),
        }
        for generator in kustomization["configMapGenerator"]
    ]


@cache
def rendered(folder: Path) -> list[Manifest]:
    """What ``kubectl kustomize`` makes of a folder."""
    command = ["kubectl", "kustomize"]
    try:
        subprocess.run([*command, "--help"], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        if REQUIRE in os.environ:
            raise
        raise CannotRenderError(
            f"kubectl kustomize does not run here ({type(error).__name__})"
        ) from None
    done = subprocess.run(
        [*command, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, "kustomize warns of what it will not understand one day"
    return list(yaml.safe_load_all(done.stdout))


def is_workload(manifest: Manifest) -> bool:
    return manifest["kind"] in {"Deployment", "Job", "CronJob"}


@dataclass(frozen=True)
class Workload:
    """A Deployment, Job or CronJob, and what its pods look like."""

    manifest: Manifest

    @property
    def role(self) -> Role:
        return Role(self.labels["app.kubernetes.io/component"])

    @property
    def labels(self) -> dict[str, str]:
        """Those of its pods."""
        labels: dict[str, str] = self._template["metadata"]["labels"]
        return labels

    @property
    def pod(self) -> Manifest:
        pod: Manifest = self._template["spec"]
        return pod

    @property
    def _template(self) -> Manifest:
        spec: Manifest = self.manifest["spec"]
        spec = spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec
        template: Manifest = spec["template"]
        return template

    @property
    def containers(self) -> list[Manifest]:
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def ports(self) -> dict[str, int]:
        return {
            port["name"]: port["containerPort"]
            for container in self.containers
            for port in container.get("ports", [])
        }

    @property
    def mounted(self) -> dict[str, tuple[str, str]]:
        """Path of each secret file in the container: which Secret, and which key of it."""
        (mount,) = (mount for one in self.containers for mount in one["volumeMounts"])
        (volume,) = self.pod["volumes"]
        assert mount["name"] == volume["name"]
        return {
            f"{mount['mountPath']}/{item['path']}": (source["secret"]["name"], item["key"])
            for source in volume["projected"]["sources"]
            if "secret" in source
            for item in source["secret"]["items"]
        }

    @property
    def config_maps(self) -> dict[str, str]:
        """Path of each file in the container that comes from a ConfigMap, and the map's name."""
        (mount,) = (mount for one in self.containers for mount in one["volumeMounts"])
        return {
            f"{mount['mountPath']}/{item['path']}": source["configMap"]["name"]
            for volume in self.pod["volumes"]
            for source in volume["projected"]["sources"]
            if "configMap" in source
            for item in source["configMap"]["items"]
        }


@dataclass(frozen=True)
class Manifests:
    """Everything that would be applied: the base, or an overlay."""

    name: str
    all: list[Manifest]

    def of_kind(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.all if manifest["kind"] == kind]

    @cached_property
    def workloads(self) -> dict[Role, Workload]:
        found = [Workload(manifest) for manifest in self.all if is_workload(manifest)]
        roles = {workload.role: workload for workload in found}
        assert len(roles) == len(found), "two workloads say that they are the same role"
        return roles

    @property
    def long_running(self) -> dict[Role, Workload]:
        return {
            role: workload
            for role, workload in self.workloads.items()
            if workload.manifest["kind"] == "Deployment"
        }

    def environment(self, workload: Workload) -> dict[str, str]:
        """The environment that the role's process gets."""
        maps = {one["metadata"]["name"]: one["data"] for one in self.of_kind("ConfigMap")}
        found: dict[str, str] = {}
        for container in workload.containers:
            for source in container.get("envFrom", []):
                found |= maps[source["configMapRef"]["name"]]
            found |= {variable["name"]: variable["value"] for variable in container["env"]}
        return found

    def selected_by(self, selector: Manifest) -> set[Role]:
        """Roles whose pods a label selector means."""
        return {role for role, one in self.workloads.items() if _matches(selector, one.labels)}


def _matches(selector: Manifest, labels: dict[str, str]) -> bool:
    return all(_conditions(selector, labels))


def _conditions(selector: Manifest, labels: dict[str, str]) -> Iterator[bool]:
    for key, value in selector.get("matchLabels", {}).items():
        yield labels.get(key) == value
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In"
        yield labels.get(expression["key"]) in expression["values"]
