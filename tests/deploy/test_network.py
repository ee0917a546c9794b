"""What the internet reaches, and whom each role may talk to."""

import ipaddress
from urllib.parse import urlsplit

import pytest

from service.settings.roles import Role
from tests.deploy.manifests import WITH_PODS, Manifest, Manifests

PUBLIC, INTERNAL = 8080, 9090


def _paths(ingress: Manifest) -> set[tuple[str, str]]:
    return {
        (path["path"], path["pathType"])
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
    }


def _allowed(manifests: Manifests, direction: str) -> dict[int, set[Role]]:
    """Roles by the port that a policy opens for them; a rule must name its ports."""
    found: dict[int, set[Role]] = {}
    for policy in manifests.of_kind("NetworkPolicy"):
        spec = policy["spec"]
        for rule in spec.get(direction, []):
            for port in rule["ports"]:
                found.setdefault(port["port"], set()).update(
                    manifests.selected_by(spec["podSelector"])
                )
    return found


def test_the_internet_reaches_three_paths_of_the_ingress_and_nothing_else(
    manifests: Manifests,
) -> None:
    routes = manifests.of_kind("Ingress")
    assert set().union(*(_paths(one) for one in routes)) == {
        ("/webhooks/metriport", "Exact"),
        ("/go", "Prefix"),
        ("/callbacks", "Prefix"),
    }
    for one in routes:
        assert "defaultBackend" not in one["spec"]
        for rule in one["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                assert path["backend"]["service"] == {
                    "name": "metriport-ias-ingress",
                    "port": {"name": "public"},
                }


def test_routes_are_on_the_host_of_the_public_url_and_only_by_tls(manifests: Manifests) -> None:
    environment = manifests.environment(manifests.workloads[Role.INGRESS])
    url = urlsplit(environment["PUBLIC_URL"])
    assert url.scheme == "https"
    for one in manifests.of_kind("Ingress"):
        assert [rule["host"] for rule in one["spec"]["rules"]] == [url.hostname]
        assert [tls["hosts"] for tls in one["spec"]["tls"]] == [[url.hostname]]


def test_paths_that_hold_tokens_or_session_ids_are_neither_logged_nor_traced(
    manifests: Manifests,
) -> None:
    for one in manifests.of_kind("Ingress"):
        annotations = one["metadata"]["annotations"]
        if _paths(one) != {("/webhooks/metriport", "Exact")}:
            assert annotations["nginx.ingress.kubernetes.io/enable-access-log"] == "false"
            assert annotations["nginx.ingress.kubernetes.io/enable-opentelemetry"] == "false"


def test_webhook_bodies_may_be_as_large_as_the_ingress_takes_and_touch_no_disk(
    manifests: Manifests,
) -> None:
    (annotations,) = (
        one["metadata"]["annotations"]
        for one in manifests.of_kind("Ingress")
        if ("/webhooks/metriport", "Exact") in _paths(one)
    )
    assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == "32m"
    assert annotations["nginx.ingress.kubernetes.io/proxy-request-buffering"] == "off"


def test_only_the_ingress_has_a_public_port(manifests: Manifests) -> None:
    assert {role: set(one.ports) for role, one in manifests.workloads.items()} == {
        Role.INGRESS: {"public", "internal"},
        Role.CONSUMERS: {"internal"},
        Role.GATEWAY: {"internal"},
        Role.MIGRATE: set(),
        Role.TOPICS: set(),
        Role.AUDIT: set(),
        Role.REENCRYPT: set(),
    }


def test_services_lead_to_one_role_each_and_none_is_open_to_the_outside(
    manifests: Manifests,
) -> None:
    reached: dict[str, set[Role]] = {"public": set(), "internal": set()}
    for service in manifests.of_kind("Service"):
        spec = service["spec"]
        assert spec.get("type", "ClusterIP") == "ClusterIP"
        (role,) = manifests.selected_by({"matchLabels": spec["selector"]})
        (port,) = spec["ports"]
        assert port["targetPort"] in manifests.workloads[role].ports
        reached[port["targetPort"]].add(role)
    assert reached == {"public": {Role.INGRESS}, "internal": set(manifests.long_running)}


def test_every_pod_is_cut_off_in_both_directions_unless_a_policy_says_otherwise(
    manifests: Manifests,
) -> None:
    (denied,) = (
        policy["spec"]
        for policy in manifests.of_kind("NetworkPolicy")
        if set(policy["spec"]) == {"podSelector", "policyTypes"}
    )
    assert set(denied["policyTypes"]) == {"Ingress", "Egress"}
    assert manifests.selected_by(denied["podSelector"]) == set(WITH_PODS)


def test_pods_take_connections_on_their_own_ports_from_named_places_only(
    manifests: Manifests,
) -> None:
    assert _allowed(manifests, "ingress") == {
        PUBLIC: {Role.INGRESS},
        INTERNAL: set(manifests.long_running),
    }
    for policy in manifests.of_kind("NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            assert all(peer["namespaceSelector"]["matchLabels"] for peer in rule["from"])


def test_only_the_gateway_may_reach_metriport_and_it_reaches_no_broker(
    manifests: Manifests,
) -> None:
    kafka = 9092 if manifests.name == "local" else 9093
    assert _allowed(manifests, "egress") == {
        53: set(WITH_PODS),
        443: {Role.GATEWAY},
        5432: set(WITH_PODS) - {Role.TOPICS},
        kafka: {Role.INGRESS, Role.CONSUMERS, Role.TOPICS, Role.AUDIT},
    }


def test_the_gateway_cannot_be_sent_to_addresses_inside_the_network(manifests: Manifests) -> None:
    (rule,) = (
        rule
        for policy in manifests.of_kind("NetworkPolicy")
        for rule in policy["spec"].get("egress", [])
        if rule["ports"] == [{"port": 443}]
    )
    left_out = {block["ipBlock"]["cidr"]: block["ipBlock"]["except"] for block in rule["to"]}
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(
        left_out["0.0.0.0/0"]
    )
    assert {"fc00::/7", "fe80::/10"} <= set(left_out["::/0"])


def test_nothing_goes_out_but_to_a_named_place(manifests: Manifests) -> None:
    """A port alone would open it to the whole internet."""
    for policy in manifests.of_kind("NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            assert rule["to"]
            for peer in rule["to"]:
                block = peer.get("ipBlock")
                if block is None:
                    assert peer["namespaceSelector"]["matchLabels"]
                elif ipaddress.ip_network(block["cidr"]).prefixlen == 0:
                    assert manifests.selected_by(policy["spec"]["podSelector"]) == {Role.GATEWAY}
                else:
                    assert ipaddress.ip_network(block["cidr"]).is_private


def test_brokers_are_reached_by_tls_on_the_port_that_is_open(manifests: Manifests) -> None:
    if manifests.name == "local":
        pytest.skip("a local cluster's Kafka has neither passwords nor TLS")
    for role in (Role.INGRESS, Role.CONSUMERS, Role.TOPICS, Role.AUDIT):
        environment = manifests.environment(manifests.workloads[role])
        assert environment["KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
        for server in environment["KAFKA_BOOTSTRAP_SERVERS"].split(","):
            assert server.endswith(":9093")
