"""A deployment that somebody has used exports every metric, each from its process and with sense."""

import time
from collections.abc import Mapping
from typing import NamedTuple

import pytest
from aiohttp import ClientSession, TCPConnector
from prometheus_client import REGISTRY

from service.telemetry import metrics
from tests.local.deployment import Deployment
from tests.support.waiting import until
from tests.telemetry.scraping import Scraped, scrape, scrape_all, values

pytestmark = pytest.mark.process


class Expected(NamedTuple):
    """The sum of a metric's samples with these labels, in one role's process; ``None``: has none yet."""

    role: str
    least: float | None
    most: float | None
    labels: Mapping[str, str] = {}


def _of(process: str, least: float | None, most: float | None, **labels: str) -> Expected:
    return Expected(process, least, most, labels)


QUIET = (None, None)
"""Nothing of the kind happened: the metric is there, and any sample of it is 0."""

EXPECTED = {
    "ias_audit_chain_length": _of("consumers", 5, 200),
    "ias_audit_unchained": _of("consumers", 0, 50),
    "ias_audit_unchained_oldest_seconds": _of("consumers", 0, 60),
    "ias_browser_requests_total": _of("ingress", 2, 2, route="go", result="opened"),
    "ias_build_info": _of("gateway", 1, 1, role="gateway"),
    "ias_consumer_lag_measured_timestamp_seconds": _of("consumers", time.time() - 600, None),
    "ias_consumer_lag_records": _of("consumers", 0, 0),
    "ias_consumer_oldest_seconds": _of("consumers", 0, 0),
    "ias_consumer_partitions": _of("consumers", 3, 300),
    "ias_consumer_rebuilt_total": _of("consumers", 0, 0),
    "ias_consumer_type_stopped": _of("consumers", *QUIET),
    "ias_dead_letters_total": _of("consumers", 1, 1, reason="invalid_field"),
    "ias_delivery_problem": _of("gateway", 0, 0),
    "ias_dispatch_stopped": _of("gateway", 0, 0),
    "ias_found_by_poll_total": _of("gateway", *QUIET),
    "ias_handler_hangs_total": _of("consumers", *QUIET),
    "ias_handler_seconds": _of("consumers", 2, 50, topic="ias.callbacks.v1"),
    "ias_held_records": _of("consumers", 0, 0),
    "ias_housekeeping_failures_total": _of("consumers", *QUIET),
    "ias_housekept_total": _of("consumers", *QUIET),
    "ias_inbox_oldest_seconds": _of("consumers", 0.001, 600),
    "ias_inbox_rows": _of("consumers", 0, 100),
    "ias_ingress_connections": _of("ingress", 0, 50),
    "ias_ingress_connections_cut_total": _of("ingress", *QUIET),
    "ias_ingress_not_well": _of("gateway", 0, 1),
    "ias_ingress_refused_total": _of("ingress", *QUIET),
    "ias_kafka_breaker_open": _of("ingress", 0, 0),
    "ias_late_for_erased_total": _of("consumers", *QUIET),
    "ias_messages_total": _of(
        "consumers", 1, 1, type="ias.command.RequestRecords", result="handled"
    ),
    "ias_open_measured_timestamp_seconds": _of("consumers", time.time() - 600, None),
    "ias_open_oldest_seconds": _of("consumers", 0.001, 600, thing="aal2_session", state="proven"),
    "ias_open_things": _of("consumers", 1, 1, thing="aal2_session"),
    "ias_outbox_oldest_seconds": _of("consumers", 0, 10),
    "ias_outbox_relayed_total": _of(
        "consumers", 1, 1, topic="ias.events.v1", type="ias.event.RecordRequestFinished"
    ),
    "ias_outbox_relay_failures_total": _of("consumers", *QUIET),
    "ias_outbox_rows": _of("consumers", 0, 50),
    "ias_overdue_seconds": _of("consumers", 0, 0),
    "ias_parked_forgotten_total": _of("consumers", 0, 0),
    "ias_partitions_missing": _of("consumers", 0, 0),
    "ias_record_request_defects_total": _of("consumers", 0, 0),
    "ias_record_requests_total": _of("consumers", 1, 1, result="ready"),
    "ias_spool_oldest_seconds": _of("consumers", 0, 0),
    "ias_spool_rows": _of("consumers", 0, 0),
    "ias_spool_stuck": _of("consumers", 0, 0),
    "ias_spooled_total": _of("ingress", *QUIET),
    "ias_status_polls_total": _of("gateway", *QUIET),
    "ias_subjects_erased_total": _of("consumers", 0, 0),
    "ias_swept_total": _of("consumers", *QUIET),
    "ias_unbound_identities_total": _of("consumers", 0, 0),
    "ias_vendor_call_seconds": _of("gateway", 1, 1, operation="start_network_query"),
    "ias_vendor_calls_in_flight": _of("gateway", 0, 0),
    "ias_vendor_calls_of_day": _of("gateway", 5, 100),
    "ias_vendor_calls_total": _of(
        "gateway", 1, 1, operation="start_network_query", outcome="accepted"
    ),
    "ias_vendor_calls_waiting": _of("gateway", 0, 0),
    "ias_vendor_calls_waiting_oldest_seconds": _of("gateway", 0, 0),
    "ias_vendor_circuit_open": _of("gateway", 0, 0),
    "ias_vendor_credential_refused": _of("gateway", 0, 0),
    "ias_vendor_failed_webhooks": _of("gateway", -1, 0),
    "ias_vendor_held_back_total": _of("gateway", *QUIET),
    "ias_vendor_measured_timestamp_seconds": _of("gateway", time.time() - 600, None),
    "ias_vendor_pace_slots": _of("gateway", 20, 20, pool="network_query_hie"),
    "ias_vendor_pace_slots_free": _of("gateway", 19, 20, pool="network_query_hie"),
    "ias_vendor_quota_left": _of("gateway", 9_900, 9_995),
    "ias_vendor_quota_of_day": _of("gateway", 10_000, 10_000),
    "ias_webhook_ack_seconds": _of("ingress", 4, 50),
    "ias_webhook_key_slot_total": _of("ingress", 4, 50, slot="0"),
    "ias_webhook_resends_total": _of("gateway", 0, 0),
    "ias_webhooks_recovered_total": _of("gateway", 0, 0),
    "ias_webhooks_total": _of("ingress", 1, 1, result="unauthenticated"),
}


@pytest.fixture(scope="session")
def scraped(used: Deployment) -> Mapping[str, Scraped]:
    return scrape_all(used)


def _registered() -> dict[str, tuple[str, ...]]:
    """Names and labels of every metric of ours, as Prometheus will name them."""
    ours = [getattr(metrics, name) for name in metrics.__all__]
    described = [(one.describe()[0], one._labelnames) for one in ours]  # noqa: SLF001 - no other way
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: labels
        for family, labels in described
    }


def test_every_metric_of_the_code_is_among_those_looked_at() -> None:
    assert EXPECTED.keys() == _registered().keys()


def test_every_metric_that_the_process_registers_is_in_the_one_place() -> None:
    found = {family.name for family in REGISTRY.collect() if family.name.startswith("ias_")}
    assert found == {name.removesuffix("_total") for name in _registered()}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_used_deployment_exports_it_with_a_sensible_value(
    scraped: Mapping[str, Scraped], name: str
) -> None:
    expected = EXPECTED[name]
    samples = scraped[expected.role][name]
    found = values(samples, **expected.labels)
    if expected.least is None:
        assert sum(found) == 0
        return
    assert found, f"{name} has no sample with {expected.labels}"
    assert sum(found) >= expected.least
    assert expected.most is None or sum(found) <= expected.most


async def test_a_connection_that_the_other_side_wants_closed_is_not_counted_for_ever(
    used: Deployment,
) -> None:
    """Metriport closes after each webhook; such a count would grow with every one of them."""

    def open_now() -> float:
        return values(scrape(used, "ingress")["ias_ingress_connections"])[0]

    before = open_now()
    async with ClientSession(connector=TCPConnector(force_close=True)) as http:
        for _ in range(20):
            url = f"{used.settings.public_url}/webhooks/metriport"
            async with http.post(url, data=b"{}") as refused:
                assert refused.status == 401
    await until(lambda: open_now() < before + 5)


def test_no_label_holds_an_id_or_anything_that_others_make_up(
    scraped: Mapping[str, Scraped],
) -> None:
    """I7: labels are words of ours."""
    words = {
        value
        for role in scraped.values()
        for name, samples in role.items()
        if name.startswith("ias_")
        for one in samples
        for label, value in one.labels.items()
        if label not in {"le", "version", "python"}
    }
    assert len(words) > 40
    assert [
        word
        for word in words
        if not word.replace(".", "").replace("_", "").replace("-", "").isalnum()
    ] == []
    assert [word for word in words if sum(map(str.isdigit, word)) > 2] == []
