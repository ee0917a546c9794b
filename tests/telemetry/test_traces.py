"""Traces follow a flow through every process and store, and tell nothing of whom it is about (I7)."""

import asyncio
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen
from uuid import UUID

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from service.store.pool import Database
from service.telemetry import traces
from service.telemetry.traces import Kind, spans
from service.telemetry.traces.otel import OtelTracer
from tests.local.deployment import Deployment
from tests.local.journey import JANE
from tests.local.settings import API_KEY
from tests.stack.broker import Broker
from tests.stack.postgres import EmbeddedPostgres
from tests.support import people
from tests.support.deploying import deployed
from tests.support.waiting import until
from tests.telemetry.collector import Collector, Seen, collecting
from tests.telemetry.speak import CANARY
from tests.telemetry.trace import settings_of, tell_the_story, trees

SUBJECT = "traced-subject-of-the-application"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"  # W3C Trace Context, the example of its section 3.2
PARENT = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
NAMES_OF_SECRETS = re.compile(r"(?i)id$|session|proof|token|url|secret|key$")


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    """Spans of this process, in memory."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans.use(OtelTracer(provider))
    yield exporter
    spans.use(None)
    provider.shutdown()


def _one(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


def test_without_a_tracer_what_came_in_is_passed_on_and_nothing_is_made_up() -> None:
    with traces.span("handle message", Kind.CONSUMER, TRACEPARENT) as span:
        assert span.traceparent == TRACEPARENT
        assert traces.current() is None
    with traces.span("handle message", Kind.CONSUMER) as span:
        assert span.traceparent is None
    assert traces.flow_of(UUID(int=7)) is None


def test_a_span_goes_on_from_the_context_that_came_and_is_what_the_next_goes_on_from(
    exported: InMemorySpanExporter,
) -> None:
    with traces.span("handle message", Kind.CONSUMER, TRACEPARENT) as span:
        assert traces.current() == span.traceparent
    made = _one(exported)
    assert made.parent is not None
    assert f"{made.parent.span_id:016x}" == PARENT
    assert span.traceparent == f"00-{TRACE}-{made.context.span_id:016x}-01"


@pytest.mark.parametrize("made_up", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01"])
def test_what_is_no_context_starts_a_trace_of_its_own(
    exported: InMemorySpanExporter, made_up: str
) -> None:
    with traces.span("handle message", Kind.CONSUMER, made_up):
        pass
    assert _one(exported).parent is None


def test_what_a_loop_does_for_nobody_in_particular_makes_no_trace(
    exported: InMemorySpanExporter,
) -> None:
    with traces.inner_span("postgres transaction", Kind.CLIENT):
        pass
    assert exported.get_finished_spans() == ()


def test_an_exception_is_told_by_its_type_and_neither_by_its_text_nor_its_stack(
    exported: InMemorySpanExporter,
) -> None:
    with pytest.raises(ValueError, match=CANARY), traces.span("make call", Kind.INTERNAL):
        raise ValueError(f"Key (subject_id)=({CANARY}) already exists")
    made = _one(exported)
    assert made.attributes == {"error.type": "ValueError"}
    assert CANARY not in made.to_json()
    assert made.events == ()


@pytest.mark.parametrize("name", ["url", "db_statement", "subject_id", "http_target", "headers"])
def test_an_attribute_that_nobody_has_thought_about_is_refused(name: str) -> None:
    """Also where traces are off, so that a test meets it."""
    with (
        pytest.raises(ValueError, match=f"no attribute of a span: {name}"),
        traces.span("make call", Kind.INTERNAL, None, **{name: CANARY}),
    ):
        pass


def test_the_flow_of_a_record_request_is_the_trace_of_its_own_id(
    exported: InMemorySpanExporter,
) -> None:
    request_id = UUID("0199b0c5-11f0-7d2a-8f77-4b7c1f0a9d20")
    first, second = traces.flow_of(request_id), traces.flow_of(request_id)
    assert first == second
    assert re.fullmatch("00-0199b0c511f07d2a8f774b7c1f0a9d20-[0-9a-f]{16}-01", first or "")
    assert exported.get_finished_spans() == ()


async def test_a_call_waits_with_the_context_of_what_caused_it_however_long(
    exported: InMemorySpanExporter, database: Database
) -> None:
    ann = await people.person(database)
    exported.clear()
    with traces.span("handle message", Kind.CONSUMER, TRACEPARENT) as handling:
        query_id = await people.due_query(database, ann)
    waiting = await people.row(database, "vendor_call", ref_id=query_id)
    assert waiting["traceparent"] == handling.traceparent
    with traces.span("make call", Kind.INTERNAL, waiting["traceparent"]):
        pass
    made = {span.name: span for span in exported.get_finished_spans()}
    assert f"{made['make call'].context.trace_id:032x}" == TRACE
    parent = made["make call"].parent
    assert parent is not None
    assert parent.span_id == made["handle message"].context.span_id


def test_without_the_extra_the_service_says_so_and_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    wanted = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    with capture_logs() as lines, traces.exporting(wanted, "ingress"):
        assert not traces.is_on()
    assert [line["event"] for line in lines] == ["traces.not_installed"]


def test_nothing_of_opentelemetry_is_loaded_before_it_is_asked_for() -> None:
    program = "import sys, consumers.main; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


class Traced:
    """A deployment with traces on, in which one retrieval was done."""

    def __init__(self, deployment: Deployment, collector: Collector) -> None:
        self.deployment = deployment
        self.spans = collector.spans

    def with_a(self, name: str, **attributes: Any) -> list[Seen]:
        """The whole trace of the one span of this name with these attributes."""
        (found,) = (
            one
            for one in self.spans
            if one.name == name and attributes.items() <= one.attributes.items()
        )
        return [one for one in self.spans if one.trace_id == found.trace_id]


@pytest.fixture(scope="session")
def traced(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, broker: Broker
) -> Iterator[Traced]:
    quick = ("--step-seconds", "0.1")
    with collecting() as collector:
        more = settings_of(collector) | {"DELIVERY_HEALER": "false"}
        with deployed(request, "traces", (postgres, broker), more=more, sandbox=quick) as started:
            asyncio.run(_story(started, collector))
            yield Traced(started, collector)


async def _story(deployment: Deployment, collector: Collector) -> None:
    await tell_the_story(deployment, SUBJECT)
    last = "ias.event.RecordRequestFinished"
    await until(lambda: any(one.attributes.get("type") == last for one in collector.spans))


def _steps(spans: list[Seen]) -> list[tuple[str, str]]:
    """Who did what, from the first span down to the last, each the parent of the next."""
    by_id = {one.span_id: one for one in spans}
    span: Seen | None = max(spans, key=lambda one: one.start)
    found = []
    while span is not None:
        found.append((span.service.removeprefix("metriport-ias-"), span.name))
        span = by_id.get(span.parent_id)
    return found[::-1]


@pytest.mark.process
def test_a_webhook_is_one_trace_from_the_request_to_the_event_that_it_led_to(
    traced: Traced,
) -> None:
    trace = traced.with_a("handle message", type="metriport.ias.identity.verified")
    assert _steps(trace) == [
        ("ingress", "POST /webhooks/metriport"),
        ("ingress", "publish metriport.webhooks.v1"),
        ("consumers", "handle message"),
        ("consumers", "publish ias.events.v1"),
    ]
    (handled,) = (one for one in trace if one.name == "handle message")
    below = [one.name for one in trace if one.parent_id == handled.span_id]
    assert "postgres transaction" in below


@pytest.mark.process
def test_a_call_to_the_vendor_is_in_the_trace_of_the_click_that_caused_it(traced: Traced) -> None:
    """Its context waited in the row of the call."""
    trace = traced.with_a("metriport create_identity_session")
    called = next(one for one in trace if one.name == "metriport create_identity_session")
    until_then = [one for one in trace if one.start <= called.start]
    assert _steps(until_then) == [
        ("ingress", "POST /go/{token}"),
        ("ingress", "publish ias.callbacks.v1"),
        ("consumers", "handle message"),
        ("gateway", "make call"),
        ("gateway", "metriport create_identity_session"),
    ]
    assert called.attributes == {"operation": "create_identity_session", "outcome": "accepted"}


@pytest.mark.process
def test_all_steps_of_a_record_request_are_one_trace_however_long_it_waits_for_people(
    traced: Traced,
) -> None:
    sql = f"select request_id from record_request where subject_id = '{SUBJECT}'"  # noqa: S608 - ours
    request_id = traced.deployment.postgres.execute(sql, database=traced.deployment.database)
    flow = [one for one in traced.spans if one.trace_id == request_id.strip().replace("-", "")]
    names = {one.name for one in flow}
    assert {"metriport start_network_query", "metriport start_consolidated_query"} <= names
    told = {one.attributes.get("type") for one in flow}
    assert "ias.event.RecordRequestFinished" in told


@pytest.mark.process
def test_no_exported_span_holds_a_secret_a_path_or_a_word_about_the_person(traced: Traced) -> None:
    """I7: whatever the vendor, the links and the settings held in this retrieval is searched for."""
    everything = "\n".join(one.everything for one in traced.spans)
    assert len(traced.spans) > 40
    known = _secrets_of_the_vendor(traced.deployment) | set(
        traced.deployment.settings.keys.values()
    )
    known |= {API_KEY, traced.deployment.settings.webhook_key, SUBJECT, str(JANE["lastName"])}
    assert len(known) > 20
    assert [secret for secret in known if secret in everything] == []
    said = "\n".join(f"{one.name} {dict(one.attributes)}" for one in traced.spans)
    assert re.findall(r"postgres\w*://|select |insert |\?", said) == []


@pytest.mark.process
def test_the_tree_that_is_printed_has_every_span_once(traced: Traced) -> None:
    lines = [line for line in trees(traced.spans) if " ms " in line]
    assert len(lines) == len(traced.spans)
    assert any(line.split()[4:6] == ["gateway", "make"] for line in lines)


def _secrets_of_the_vendor(deployment: Deployment) -> set[str]:
    """Everything that the double stores under a tell-tale name, and the ids of its paths."""
    url = f"{deployment.settings.sandbox_url}/_sandbox/state"
    with urlopen(url, timeout=5) as answer:  # noqa: S310 - our own
        state = json.load(answer)
    return {text for text in _under_names(state, "") if len(text) >= 12}


def _under_names(value: Any, name: str) -> Iterator[str]:
    match value:
        case dict():
            for key, item in value.items():
                yield from _under_names(item, key)
        case list():
            for item in value:
                yield from _under_names(item, name)
        case str() if NAMES_OF_SECRETS.search(name):
            yield value
