"""The alerts as the Prometheus Operator takes them: ``python -m tests.telemetry.prometheus_rule`` writes it."""

from tests.telemetry.rules import ALERTS, COMPONENT

RESOURCE = COMPONENT / "alerts.yaml"
HEAD = """\
# Written by `make alerts` from deploy/observability/alerts.yaml: edit that.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: metriport-ias
  labels:
    app.kubernetes.io/name: metriport-ias
  annotations:
    runbook: deploy/RUNBOOK.md
spec:
"""


def resource() -> str:
    """The manifest's text."""
    lines = ALERTS.read_text(encoding="utf-8").splitlines()
    rules = lines[lines.index("groups:") :]
    return HEAD + "".join(f"  {line}".rstrip() + "\n" for line in rules)


if __name__ == "__main__":
    RESOURCE.write_text(resource(), encoding="utf-8")
