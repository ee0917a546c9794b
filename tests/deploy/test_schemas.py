"""Every object fits the schema of the cluster that it is for: Kubernetes' own, or the operator's."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]  # as tests/contract

from tests.deploy.manifests import Manifest, Manifests

OLDEST, NEWEST = "1.29", "1.35"
"""Versions of Kubernetes that the manifests are for: deploy/README.md says so."""

CRDS = Path(__file__).parent / "crds"


@cache
def operators_schema(kind: str) -> Draft202012Validator:
    schema: Any = json.loads((CRDS / f"{kind}.json").read_text())
    return Draft202012Validator(schema)


def check(manifest: Manifest, version: str) -> None:
    """Raise where an object has a field that is wrong, or that nobody knows."""
    if (CRDS / f"{manifest['kind']}.json").exists():
        operators_schema(manifest["kind"]).validate(manifest)
    else:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_object_fits_its_schema(overlay: Manifests, version: str) -> None:
    for manifest in overlay.all:
        check(manifest, version)


def test_every_operators_object_is_judged_by_that_operators_schema(production: Manifests) -> None:
    foreign = {
        one["kind"] for one in production.all if "." in one["apiVersion"].partition("/")[0]
    } - {"NetworkPolicy", "Ingress"}
    known = {
        "ExternalSecret",
        "PrometheusRule",
        "ScaledObject",
        "ServiceMonitor",
        "TriggerAuthentication",
    }
    assert foreign == known
    assert all((CRDS / f"{kind}.json").exists() for kind in known)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("ScaledObject", "maxReplicaCounts"),
        ("ServiceMonitor", "endpoint"),
        ("PrometheusRule", "group"),
        ("ExternalSecret", "refreshIntervals"),
        ("TriggerAuthentication", "secretTargetRefs"),
        ("Deployment", "replicaCount"),
        ("PodDisruptionBudget", "maxUnavailables"),
        ("NetworkPolicy", "egres"),
    ],
)
def test_a_misspelt_field_is_found(production: Manifests, kind: str, field: str) -> None:
    """A cluster would drop it without a word."""
    manifest = production.of_kind(kind)[0]
    check(manifest, NEWEST)
    planted = manifest | {"spec": manifest["spec"] | {field: 1}}
    with pytest.raises((ValidationError, kubernetes_validate.ValidationError), match=field):
        check(planted, NEWEST)
