"""What Prometheus finds: every pod that runs, by its internal port alone; and what its alerts lead to."""

from service.settings.roles import Role
from tests.deploy.manifests import Manifests


def test_every_long_running_role_is_scraped_on_its_internal_port(overlay: Manifests) -> None:
    if overlay.name == "local":
        assert not overlay.of_kind("ServiceMonitor")
        return
    (monitor,) = (one["spec"] for one in overlay.of_kind("ServiceMonitor"))
    (endpoint,) = monitor["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("internal", "/metrics")
    (among,) = monitor["selector"]["matchExpressions"]
    found = {
        Role(one["metadata"]["labels"]["app.kubernetes.io/component"])
        for one in overlay.of_kind("Service")
        if any(port["name"] == endpoint["port"] for port in one["spec"]["ports"])
        and one["metadata"]["labels"]["app.kubernetes.io/component"] in among["values"]
    }
    assert found == set(overlay.long_running)


def test_every_alert_leads_to_the_runbook_where_the_overlay_says_that_it_is_read(
    overlay: Manifests,
) -> None:
    if overlay.name == "local":
        assert not overlay.of_kind("PrometheusRule")
        return
    (rule,) = overlay.of_kind("PrometheusRule")
    address = rule["metadata"]["annotations"]["runbook"]
    assert address == "https://git.example.com/metriport-ias/deploy/RUNBOOK.md"
    alerts = [alert for group in rule["spec"]["groups"] for alert in group["rules"]]
    assert len(alerts) > 30
    assert {alert["alert"]: alert["annotations"]["runbook_url"] for alert in alerts} == {
        alert["alert"]: f"{address}#{alert['alert'].lower()}" for alert in alerts
    }
