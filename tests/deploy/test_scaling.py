"""Who decides how many pods there are."""

from consumers.processes.consumers import TOPICS as READ
from schemas.topics import TOPICS
from service.bus.subscription import GROUP
from service.settings.roles import Role
from tests.deploy.manifests import Manifests
from tests.deploy.test_pods import scalers

KEDA = {"production"}
"""Overlays that need KEDA; every other one scales without it, or not at all."""


def test_a_deployment_whose_number_somebody_sets_names_none_itself(manifests: Manifests) -> None:
    """Else each `kubectl apply` would set it back."""
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in scalers(manifests)}
    for workload in manifests.long_running.values():
        named = workload.manifest["metadata"]["name"] in scaled
        assert named is ("replicas" not in workload.manifest["spec"])


def test_the_ingress_follows_its_load_and_consumers_do_with_and_without_keda(
    overlay: Manifests,
) -> None:
    by = {one["spec"]["scaleTargetRef"]["name"]: one["kind"] for one in scalers(overlay)}
    expected = {
        "local": {},
        "staging": {
            "metriport-ias-ingress": "HorizontalPodAutoscaler",
            "metriport-ias-consumers": "HorizontalPodAutoscaler",
        },
        "production": {
            "metriport-ias-ingress": "HorizontalPodAutoscaler",
            "metriport-ias-consumers": "ScaledObject",
        },
    }
    assert by == expected[overlay.name]
    assert bool(overlay.of_kind("TriggerAuthentication")) is (overlay.name in KEDA)


def test_consumers_follow_the_lag_of_their_own_group_on_every_topic_that_they_read(
    production: Manifests,
) -> None:
    (scaled,) = production.of_kind("ScaledObject")
    triggers = [one["metadata"] for one in scaled["spec"]["triggers"]]
    assert {one["topic"] for one in triggers} == {topic.value for topic in READ}
    assert {one["consumerGroup"] for one in triggers} == {GROUP}
    environment = production.environment(production.workloads[Role.CONSUMERS])
    for one in triggers:
        assert one["bootstrapServersFromEnv"] in environment
        assert one["sasl"].replace("_", "-") == environment["KAFKA_SASL_MECHANISM"].lower().replace(
            "sha-", "sha"
        )
        assert one["tls"] == "enable"


def test_there_are_never_more_consumers_than_partitions_nor_none(production: Manifests) -> None:
    """Without lag they still relay the outbox and wake what is due."""
    (scaled,) = production.of_kind("ScaledObject")
    assert scaled["spec"]["maxReplicaCount"] <= max(TOPICS[topic].partitions for topic in READ)
    assert scaled["spec"]["minReplicaCount"] >= 1
    assert "idleReplicaCount" not in scaled["spec"]


def test_losing_a_zone_leaves_most_pods_in_production(production: Manifests) -> None:
    for workload in production.long_running.values():
        zones = {one["topologyKey"]: one for one in workload.pod["topologySpreadConstraints"]}
        zone = zones["topology.kubernetes.io/zone"]
        assert (zone["maxSkew"], zone["whenUnsatisfiable"]) == (1, "DoNotSchedule")
