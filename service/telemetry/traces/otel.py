"""Spans of OpenTelemetry. Imported only where the extra ``otel`` is installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.telemetry.traces.spans import Kind, Span, Value, check

_HEADER: Final = "traceparent"
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class OtelTracer:
    """Makes spans with a provider."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("metriport-ias")

    @contextmanager
    def open(
        self, name: str, kind: Kind, parent: str | None, attributes: dict[str, Value]
    ) -> Iterator[Span]:
        """See ``Tracer``. An exception's text is not recorded, nor its stack: both can hold values."""
        with self._tracer.start_as_current_span(
            name,
            context=None if parent is None else _extract(parent),
            kind=SpanKind[kind.value],
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as opened:
            try:
                yield _Opened(opened)
            except Exception as error:
                opened.set_attribute("error.type", type(error).__qualname__)
                opened.set_status(Status(StatusCode.ERROR))
                raise

    def current(self) -> str | None:
        """See ``Tracer``."""
        return _inject()


class _Opened:
    def __init__(self, opened: trace.Span) -> None:
        self._opened = opened

    @property
    def traceparent(self) -> str | None:
        """See ``Span``."""
        return _inject(trace.set_span_in_context(self._opened))

    def set(self, **attributes: Value) -> None:
        """See ``Span``."""
        check(attributes)
        self._opened.set_attributes(attributes)


def _extract(traceparent: str) -> Context:
    """A fresh context below it; one that is no traceparent starts a trace of its own."""
    return _PROPAGATOR.extract({_HEADER: traceparent}, Context())


def _inject(context: Context | None = None) -> str | None:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context)
    return carrier.get(_HEADER)
