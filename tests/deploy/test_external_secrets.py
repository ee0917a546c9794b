"""What External Secrets makes is what the pods mount."""

from tests.deploy.manifests import Manifests

LAG = "metriport-ias-kafka-lag"


def made(manifests: Manifests) -> dict[str, set[str]]:
    return {
        one["metadata"]["name"]: {data["secretKey"] for data in one["spec"]["data"]}
        for one in manifests.of_kind("ExternalSecret")
    }


def mounted(manifests: Manifests) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for workload in manifests.workloads.values():
        for secret, key in workload.mounted.values():
            found.setdefault(secret, set()).add(key)
    return found


def test_every_secret_that_a_pod_mounts_is_made_with_its_keys_and_no_other(
    overlay: Manifests,
) -> None:
    secrets = made(overlay)
    if overlay.name == "local":
        assert not secrets
        return
    lag = secrets.pop(LAG, None)
    assert secrets == mounted(overlay)
    assert (lag is not None) is bool(overlay.of_kind("TriggerAuthentication"))


def test_keda_logs_in_with_a_secret_that_no_pod_of_ours_holds(production: Manifests) -> None:
    (login,) = production.of_kind("TriggerAuthentication")
    named = {(one["name"], one["key"]) for one in login["spec"]["secretTargetRef"]}
    assert named == {(LAG, key) for key in made(production)[LAG]}
    assert LAG not in mounted(production)


def test_each_comes_from_the_entry_of_its_own_name(production: Manifests) -> None:
    for one in production.of_kind("ExternalSecret"):
        entry = one["metadata"]["name"].replace("metriport-ias-", "metriport-ias/", 1)
        for data in one["spec"]["data"]:
            assert data["remoteRef"] == {"key": entry, "property": data["secretKey"]}
            assert "value" not in data


def test_a_secret_taken_away_in_the_store_stays_in_the_cluster(production: Manifests) -> None:
    for one in production.of_kind("ExternalSecret"):
        assert one["spec"]["target"]["deletionPolicy"] == "Retain"
