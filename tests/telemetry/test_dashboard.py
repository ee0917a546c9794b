"""The dashboard draws what exists, and shows everything that an alert looks at."""

import json

import pytest

from tests.telemetry.rules import DASHBOARD, panels, rules, used
from tests.telemetry.test_alerts import OTHERS, unknown

INTERVAL = "$__rate_interval"
"""Grafana puts a duration here that four scrapes fit into."""

EXPRESSIONS = [
    pytest.param(target["expr"].replace(INTERVAL, "1m"), id=f"{panel['title']} {target['refId']}")
    for panel in panels()
    for target in panel["targets"]
]
EXPLAINED_BY_ITSELF = {
    "ias_open_measured_timestamp_seconds",
    "ias_consumer_lag_measured_timestamp_seconds",
    "ias_vendor_measured_timestamp_seconds",
}
SEEN_ELSEWHERE = {
    "ias_consumer_partitions": "none at all wakes somebody; which process has some is of no weight",
    "ias_consumer_type_stopped": "its records are drawn as held",
    "ias_delivery_problem": "what failed and came is drawn",
    "ias_found_by_poll_total": "rare: a ticket says it",
    "ias_housekeeping_failures_total": "as above",
    "ias_partitions_missing": "as above",
    "ias_record_request_defects_total": "as above",
    "ias_spool_stuck": "as above",
    "ias_unbound_identities_total": "as above, and wakes somebody",
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_panel_reads_only_metrics_and_labels_that_the_code_has(expression: str) -> None:
    read = used(expression)
    assert read
    missing = [unknown(series) for series in read if series.name != "process_resident_memory_bytes"]
    assert [one for one in missing if one] == []


def test_whatever_an_alert_watches_is_drawn_or_said_why_not() -> None:
    drawn = {series.name for param in EXPRESSIONS for series in used(str(param.values[0]))}
    watched = {series.name for rule in rules() for series in used(rule["expr"])}
    assert watched - drawn - OTHERS.keys() == SEEN_ELSEWHERE.keys() | EXPLAINED_BY_ITSELF


def test_a_panel_has_a_title_of_its_own_a_place_of_its_own_and_the_chosen_source() -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert [one["name"] for one in board["templating"]["list"]] == ["datasource"]
    assert len({one["id"] for one in board["panels"]}) == len(board["panels"])
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels()]
    assert len({one["title"] for one in panels()}) == len(set(places)) == len(panels())
    assert {one["datasource"]["uid"] for one in panels()} == {"${datasource}"}
