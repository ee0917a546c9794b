"""OpenTelemetry behind the spans: on when it is installed and an endpoint is named, and off again at the end."""

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import structlog

from service.telemetry.traces import spans

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_NEEDED: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_FLUSH_MS: Final = 3_000

log = structlog.get_logger()


@contextmanager
def exporting(environment: Mapping[str, str], role: str) -> Iterator[None]:
    """Export spans for the life of a process, if asked to; without the extra, say so and go on."""
    if not environment.get(ENDPOINT):
        yield
        return
    if not is_installed():
        log.warning("traces.not_installed", name=ENDPOINT)
        yield
        return
    provider = _provider(role)
    try:
        yield
    finally:
        spans.use(None)
        provider.force_flush(_FLUSH_MS)
        provider.shutdown()


def is_installed() -> bool:
    """Whether the extra ``otel`` is there."""
    try:
        return all(importlib.util.find_spec(name) is not None for name in _NEEDED)
    except ModuleNotFoundError:
        return False


def _provider(role: str) -> Any:  # noqa: ANN401 - a type of the optional dependency
    """A provider that sends to the collector in the background. OTEL_… settings are its own."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - optional
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above

    from service.telemetry.traces.otel import OtelTracer  # noqa: PLC0415 - as above

    names = {"service.name": f"metriport-ias-{role}", "service.namespace": "metriport-ias"}
    provider = TracerProvider(resource=Resource(names))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    spans.use(OtelTracer(provider))
    return provider
