"""What goes through Kafka: messages handled, consumer lag, outbox and spool, what was put aside."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from service.telemetry.metrics.buckets import SECONDS

MESSAGES: Final = Counter(
    "ias_messages_total", "Kafka messages by topic, type and result.", ("topic", "type", "result")
)
HANDLER: Final = Histogram(
    "ias_handler_seconds",
    "Time to handle one message, commit included.",
    ("topic",),
    buckets=SECONDS,
)
CONSUMER_STOPPED: Final = Gauge(
    "ias_consumer_type_stopped",
    "1 while messages of a type are kept and not handled, because too many went wrong. Alert on 1.",
    ("topic", "type"),
)
HELD_RECORDS: Final = Gauge(
    "ias_held_records", "Records of stopped types that are kept, counted up to 100,000."
)
HANDLER_HANGS: Final = Counter(
    "ias_handler_hangs_total",
    "Attempts at messages given up because the handler did not end, and not for want of the "
    "database. Alert on any.",
    ("topic", "type"),
)
CONSUMER_REBUILT: Final = Counter(
    "ias_consumer_rebuilt_total",
    "Kafka consumers replaced because they made no progress while records waited.",
)
DEAD_LETTERS: Final = Counter(
    "ias_dead_letters_total", "Messages put aside, by reason.", ("reason",)
)
LATE_FOR_ERASED: Final = Counter(
    "ias_late_for_erased_total",
    "Messages about a subject that was erased before they were handled: dropped, and no fault.",
    ("type",),
)
RELAYED: Final = Counter(
    "ias_outbox_relayed_total",
    "Outbox rows published, by type: events, links, states of record requests, dead letters.",
    ("topic", "type"),
)
RELAY_FAILURES: Final = Counter(
    "ias_outbox_relay_failures_total",
    "Outbox rows that were not sent, by what stopped them: `publish` (the broker did not take it), "
    "`unopened` (no key opens it), `defect`; and rounds that lost the database (`database`). The "
    "subject waits and is tried again.",
    ("why",),
)
OUTBOX_ROWS: Final = Gauge(
    "ias_outbox_rows", "Rows that wait to be published, counted up to 100,000."
)
OUTBOX_AGE: Final = Gauge(
    "ias_outbox_oldest_seconds", "Age of the oldest row that waits to be published."
)
SPOOL_ROWS: Final = Gauge(
    "ias_spool_rows", "Records that wait in the spool, counted up to 100,000."
)
SPOOL_AGE: Final = Gauge("ias_spool_oldest_seconds", "Age of the oldest record in the spool.")
SPOOL_STUCK: Final = Gauge(
    "ias_spool_stuck",
    "Records in the spool that do not open with our keys, counted up to 1,000; kept. Alert on any.",
)
CONSUMER_LAG: Final = Gauge(
    "ias_consumer_lag_records",
    "Records of the partitions that this process holds that are not handled yet. Sum over processes.",
    ("topic",),
)
CONSUMER_AGE: Final = Gauge(
    "ias_consumer_oldest_seconds",
    "How long ago the oldest record in hand was written, by the broker's clock; 0: none in hand.",
    ("topic",),
)
CONSUMER_PARTITIONS: Final = Gauge(
    "ias_consumer_partitions", "Partitions that this process holds, over all topics."
)
LAG_MEASURED: Final = Gauge(
    "ias_consumer_lag_measured_timestamp_seconds",
    "When the broker last said how much waits (Unix time). A lag that is not measured is not small: "
    "alert when this stands still.",
)
INBOX_ROWS: Final = Gauge(
    "ias_inbox_rows", "Messages that are remembered for dedupe, as Postgres estimates."
)
INBOX_AGE: Final = Gauge(
    "ias_inbox_oldest_seconds", "Age of the oldest of them; it ends at INBOX_RETENTION."
)
