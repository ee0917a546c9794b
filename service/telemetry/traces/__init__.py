"""Traces: one flow from a webhook or command through Kafka and Postgres to the vendor's answer.

What lives here
    ``span`` is all that code meets; ``exporting`` is the OpenTelemetry behind it, imported only when it is
    installed (extra ``otel``) and OTEL_EXPORTER_OTLP_ENDPOINT says where to.

What must not
    No attribute but those named in ``spans.ALLOWED``, whose values are words and numbers of ours: no URL, SQL, header,
    body or id of a person. OpenTelemetry's own instrumentations of aiohttp, asyncpg and aiokafka are not used
    for that: they record URLs and statements; and aiokafka's adds a second ``traceparent`` to a record
    that has one, which readers of CloudEvents refuse.

Where data goes
    The context travels as ``traceparent`` in Kafka's headers, and waits in the rows of the outbox and of calls: a
    call that is made minutes later is in the same trace. Spans go to the collector.
"""

from service.telemetry.traces.exporting import exporting
from service.telemetry.traces.spans import Kind, Span, current, flow_of, inner_span, is_on, span

__all__ = ["Kind", "Span", "current", "exporting", "flow_of", "inner_span", "is_on", "span"]
