"""A process that has just started exports what alerts must see grow: a series that comes later never grows."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY

from consumers.housekeeping import Housekeeper
from schemas.callbacks import CALLBACKS
from schemas.commands import COMMANDS
from schemas.metriport.webhooks import KNOWN_TYPES
from schemas.topics import Topic
from service.settings.retention import Retention
from service.store.pool import Database
from tests.telemetry.rules import ROOT, rules, used
from tests.telemetry.scraping import Scraped, parse

BEGIN = {
    "ingress": "service.ingress.webhook",
    "consumers": "consumers.measuring",
    "gateway": "service.gateway.measuring",
}
PROGRAM = """
from prometheus_client import generate_latest
from {module} import begin_at_zero
begin_at_zero()
print(generate_latest().decode())
"""


def _fresh(module: str) -> Scraped:
    """What a process of its own exports, in which nothing has happened yet."""
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return parse(done.stdout)


@pytest.fixture(scope="module")
def fresh() -> Mapping[str, Scraped]:
    return {role: _fresh(module) for role, module in BEGIN.items()}


def _begun(scraped: Scraped, name: str, *labels: str) -> set[tuple[str, ...]]:
    """The values of these labels for which the metric is there, and 0."""
    return {
        tuple(one.labels[label] for label in labels)
        for one in scraped[name]
        if not one.name.endswith("_created") and one.value == 0
    }


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_whatever_an_alert_must_see_grow_is_there_from_the_start(
    fresh: Mapping[str, Scraped], rule: dict[str, Any]
) -> None:
    growing = [one.name.removesuffix("_bucket") for one in used(rule["expr"]) if one.grows]
    assert [name for name in growing if not any(_begun(one, name) for one in fresh.values())] == []


def test_the_first_webhook_of_each_type_that_is_not_taken_is_seen(
    fresh: Mapping[str, Scraped],
) -> None:
    wanted = {
        (kind, result)
        for kind in (*KNOWN_TYPES, "other")
        for result in ("not_durable", "overloaded")
    }
    ingress = fresh["ingress"]
    assert wanted <= _begun(ingress, "ias_webhooks_total", "type", "result")
    assert ("webhooks",) in _begun(ingress, "ias_ingress_refused_total", "limit")


def test_the_first_webhook_by_an_older_key_is_seen(fresh: Mapping[str, Scraped]) -> None:
    assert {("0",), ("1",)} <= _begun(fresh["ingress"], "ias_webhook_key_slot_total", "slot")


def test_the_first_message_of_each_type_is_seen_whatever_becomes_of_it(
    fresh: Mapping[str, Scraped],
) -> None:
    types = {
        *((Topic.COMMANDS.value, kind) for kind in COMMANDS),
        *((Topic.CALLBACKS.value, kind) for kind in CALLBACKS),
        *((Topic.WEBHOOKS.value, f"metriport.{kind}") for kind in KNOWN_TYPES),
        *((topic.value, "other") for topic in (Topic.COMMANDS, Topic.CALLBACKS, Topic.WEBHOOKS)),
    }
    consumers = fresh["consumers"]
    messages = _begun(consumers, "ias_messages_total", "topic", "type", "result")
    for result in ("handled", "repeated", "held"):
        assert {(*one, result) for one in types} <= messages
    assert types <= _begun(consumers, "ias_handler_hangs_total", "topic", "type")


def test_the_first_find_of_a_look_is_seen(fresh: Mapping[str, Scraped]) -> None:
    found = _begun(fresh["gateway"], "ias_found_by_poll_total", "what")
    assert {("source_completed",), ("delivery_missed",)} <= found


class _Broken:
    """A database of which every use fails."""

    def transaction(self) -> None:
        raise RuntimeError


async def test_the_first_failure_of_each_piece_of_housekeeping_is_seen(
    fresh: Mapping[str, Scraped],
) -> None:
    def failures() -> dict[str, float]:
        return {
            one.labels["piece"]: one.value
            for family in REGISTRY.collect()
            if family.name == "ias_housekeeping_failures"
            for one in family.samples
            if one.name.endswith("_total")
        }

    before, age = failures(), timedelta(days=400)
    ages = Retention(inbox=age, large_bodies=age, calls=age, history=age)
    await Housekeeper(cast("Database", _Broken()), ages).round()
    failed = {piece for piece, count in failures().items() if count > before.get(piece, 0)}
    assert len(failed) > 3
    begun = _begun(fresh["consumers"], "ias_housekeeping_failures_total", "piece")
    assert {(piece,) for piece in failed} == begun
