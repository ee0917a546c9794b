"""What comes in over HTTP: webhooks, browsers, connections, and the spool's way in."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from service.telemetry.metrics.buckets import SECONDS

WEBHOOKS: Final = Counter(
    "ias_webhooks_total",
    "Webhook requests by type (known ones, else `other`) and result.",
    ("type", "result"),
)
WEBHOOK_KEY_SLOT: Final = Counter(
    "ias_webhook_key_slot_total", "Webhooks by the key that matched; 0 is the newest.", ("slot",)
)
WEBHOOK_ACK: Final = Histogram(
    "ias_webhook_ack_seconds", "From the last byte of the body to the answer.", buckets=SECONDS
)
REFUSED: Final = Counter(
    "ias_ingress_refused_total",
    "Requests refused because a limit was reached (`webhooks`, `browsers`, `large_bodies`, "
    "`body_bytes`: 503) or because they are no HTTP (`malformed`: 400).",
    ("limit",),
)
CONNECTIONS: Final = Gauge(
    "ias_ingress_connections", "Open HTTP connections of the process, probes included."
)
CONNECTIONS_CUT: Final = Counter(
    "ias_ingress_connections_cut_total",
    "Connections that we closed: no complete head in time (`half_head`), a head too long "
    "(`long_head`), idle and in the way of a new one (`evicted`), new and no room (`refused`), "
    "an answer that nobody reads (`unread`).",
    ("why",),
)
BROWSER: Final = Counter(
    "ias_browser_requests_total", "Browser requests by route and result.", ("route", "result")
)
SPOOLED: Final = Counter(
    "ias_spooled_total", "Records kept in Postgres because Kafka did not answer.", ("topic",)
)
BREAKER_OPEN: Final = Gauge(
    "ias_kafka_breaker_open", "1 while the ingress goes straight to the spool."
)
