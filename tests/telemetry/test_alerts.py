"""The alerts fire in the situations that they are for, name what exists, and say what to do."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.telemetry import metrics
from tests.telemetry.quiet_day import QUIET
from tests.telemetry.rules import ALERTS, RUNBOOK, Rule, Used, rules, used
from tests.telemetry.situation import Situation
from tests.telemetry.situations import SITUATIONS

PROMTOOL = shutil.which("promtool")
OTHERS = {
    "kube_job_failed": {"job_name", "condition"},
    "kube_cronjob_status_last_successful_time": {"cronjob"},
    "process_start_time_seconds": set[str](),
}
"""kube-state-metrics' own, with the labels that its documentation gives them; and the client library's."""

DURATION = re.compile(r"\d+[mh]")


def registered() -> dict[str, set[str]]:
    """Every series that the code can export, with its labels."""
    found: dict[str, set[str]] = {}
    for name in metrics.__all__:
        metric = getattr(metrics, name)
        family, labels = metric.describe()[0], set(metric._labelnames)  # noqa: SLF001 - no other way
        match family.type:
            case "counter":
                found[f"{family.name}_total"] = labels
            case "histogram":
                found |= {f"{family.name}_{end}": labels for end in ("count", "sum")}
                found[f"{family.name}_bucket"] = labels | {"le"}
            case _:
                found[family.name] = labels
    return found


def unknown(series: Used) -> set[str]:
    """What of the series the code does not have."""
    labels = (registered() | OTHERS).get(series.name)
    return (
        {series.name}
        if labels is None
        else set(series.labels - labels - {"instance", "job", "pod"})
    )


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_reads_only_metrics_and_labels_that_the_code_has(rule: Rule) -> None:
    read = used(rule["expr"])
    assert read
    assert [unknown(series) for series in read if unknown(series)] == []


def test_a_metric_or_label_that_does_not_exist_would_be_seen() -> None:
    assert unknown(used("sum by (kind) (rate(ias_vendor_calls_total[5m]))")[0]) == {"kind"}
    assert unknown(used('ias_vendor_calls_total{who="x"}')[0]) == {"who"}
    assert unknown(used("ias_nothing")[0]) == {"ias_nothing"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_waits_a_while_says_whom_it_wakes_and_has_a_section_in_the_runbook(
    rule: Rule,
) -> None:
    assert DURATION.fullmatch(rule["for"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"].endswith(".")
    path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert path == str(RUNBOOK.relative_to(ALERTS.parents[2]))
    sections = _sections()
    assert anchor in sections
    assert anchor == rule["alert"].lower()
    assert "**Look**" in sections[anchor]
    assert "**Do**" in sections[anchor]


def _sections() -> dict[str, str]:
    """The runbook's sections by the anchor that a heading gets."""
    parts = re.split(r"^### (\w+)\n", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name.lower(): text for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_the_runbook_has_no_section_of_an_alert_that_is_gone() -> None:
    assert set(_sections()) == {rule["alert"].lower() for rule in rules()}


def test_every_alert_has_a_situation_in_which_it_fires_and_one_near_it_in_which_not() -> None:
    fired = {alert for situation in SITUATIONS for alert in situation.fires}
    assert fired == {rule["alert"] for rule in rules()}
    near = {name for situation in SITUATIONS if not situation.fires for name in situation.series}
    for situation in SITUATIONS:
        assert situation.series.keys() <= QUIET.keys(), situation.what
    assert len(near) > 25


def test_a_quiet_day_has_every_series_that_the_alerts_read() -> None:
    """An alert whose series is missing would be silent for that alone."""
    there = {name.partition("{")[0] for name in QUIET}
    assert {series.name for rule in rules() for series in used(rule["expr"])} <= there


@pytest.fixture
def promtool() -> str:
    if PROMTOOL is None:
        if "REQUIRE_PROMTOOL" in os.environ:
            pytest.fail("promtool is required here and not on the PATH")
        pytest.skip("no promtool (Debian: prometheus): whether the alerts fire was not looked at")
    return PROMTOOL


def test_prometheus_accepts_the_rules(promtool: str) -> None:
    checked = subprocess.run(
        [promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.what)
def test_in_this_situation_these_alerts_fire_and_no_others(
    promtool: str, situation: Situation, tmp_path: Path
) -> None:
    file = tmp_path / "situation.yaml"
    file.write_text(yaml.safe_dump(_promtool_test(situation)), encoding="utf-8")
    tested = subprocess.run(
        [promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


def _promtool_test(situation: Situation) -> dict[str, Any]:
    firing = 'count by (alertname) (ALERTS{alertstate="firing"})'
    expected = [
        {"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(situation.fires)
    ]
    series = QUIET | situation.series
    return {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": one, "values": of} for one, of in series.items()],
                "promql_expr_test": [
                    {
                        "expr": firing,
                        "eval_time": f"{situation.minute}m",
                        "exp_samples": expected,
                    }
                ],
            }
        ],
    }
