"""Every metric of the service, in one place. Prometheus conventions; no id is ever a label."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.0,
    3.5,
    5.0,
    30.0,
)

WEBHOOKS: Final = Counter(
    "ias_webhooks_total",
    "Webhook requests by type (known ones, else `other`) and result.",
    ("type", "result"),
)
WEBHOOK_KEY_SLOT: Final = Counter(
    "ias_webhook_key_slot_total", "Webhooks by the key that matched; 0 is the newest.", ("slot",)
)
WEBHOOK_ACK: Final = Histogram(
    "ias_webhook_ack_seconds", "From the last byte of the body to the answer.", buckets=_SECONDS
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
MESSAGES: Final = Counter(
    "ias_messages_total", "Kafka messages by topic, type and result.", ("topic", "type", "result")
)
HANDLER: Final = Histogram(
    "ias_handler_seconds",
    "Time to handle one message, commit included.",
    ("topic",),
    buckets=_SECONDS,
)
SPOOLED: Final = Counter(
    "ias_spooled_total", "Records kept in Postgres because Kafka did not answer.", ("topic",)
)
SPOOL_ROWS: Final = Gauge(
    "ias_spool_rows", "Records that wait in the spool, counted up to 100,000."
)
SPOOL_AGE: Final = Gauge("ias_spool_oldest_seconds", "Age of the oldest record in the spool.")
BREAKER_OPEN: Final = Gauge(
    "ias_kafka_breaker_open", "1 while the ingress goes straight to the spool."
)
RELAYED: Final = Counter("ias_outbox_relayed_total", "Outbox rows published.", ("topic",))
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
VENDOR_CALLS: Final = Counter(
    "ias_vendor_calls_total",
    "Calls to Metriport by operation and outcome.",
    ("operation", "outcome"),
)
VENDOR_SECONDS: Final = Histogram(
    "ias_vendor_call_seconds", "Duration of calls to Metriport.", ("operation",), buckets=_SECONDS
)
CIRCUIT_OPEN: Final = Gauge(
    "ias_vendor_circuit_open",
    "Whether calls of a class are held back because Metriport does not answer them: 1, or 0.5 while "
    "one is tried, else 0. Alert on 1 for 10 minutes.",
    ("kind",),
)
CALLS_OF_DAY: Final = Gauge(
    "ias_vendor_calls_of_day", "Calls to Metriport in the last 24 hours, all replicas together."
)
QUOTA_OF_DAY: Final = Gauge(
    "ias_vendor_quota_of_day",
    "How many there may be: Metriport's daily quota, or our share of it. Alert when little is left.",
)
HELD_BACK: Final = Counter(
    "ias_vendor_held_back_total",
    "Times that a due call had to wait: every slot of its pool in use (`pace`), the day's calls made "
    "(`quota`), or another call is the trial of its class (`circuit`).",
    ("operation", "why"),
)
STATUS_POLLS: Final = Counter(
    "ias_status_polls_total",
    "Looks at the status of a query at Metriport, by what they showed: `running`, `completed`, "
    "`failed` or `partial` as the whole query stands then; `ours`, `foreign` or `open` of a request "
    "that may be a query of unknown outcome; else nothing: `gone` (404, 410), `refused`, `unreadable`, "
    "`unclear`, and `not_made` (slowed down, not sent, key refused: asked again soon).",
    ("what", "outcome"),
)
FOUND_BY_POLL: Final = Counter(
    "ias_found_by_poll_total",
    "What a look brought before any webhook did: ends of sources (`source_completed`, "
    "`source_failed`), the proof of a query of unknown outcome (`proof`), failed and overdue "
    "deliveries (`delivery_failed`, `delivery_missed`). Many `…_completed` mean lost webhooks.",
    ("what",),
)
FAILED_DELIVERIES: Final = Gauge(
    "ias_vendor_failed_webhooks", "Webhooks that failed at Metriport, as last counted; -1: unknown."
)
RESENDS: Final = Counter(
    "ias_webhook_resends_total", "Times that Metriport was asked to send failed webhooks again."
)
RECOVERED: Final = Counter(
    "ias_webhooks_recovered_total",
    "Webhooks by which Metriport's count of failures fell after that.",
)
DELIVERY_PROBLEM: Final = Gauge(
    "ias_delivery_problem",
    "1 while failed webhooks are not healed, by why (see `DeliveryAlarm`); every replica says it. "
    "Alert on 1.",
    ("problem",),
)
INGRESS_NOT_WELL: Final = Gauge(
    "ias_ingress_not_well",
    "1 while failed webhooks are not asked for again, because an ingress cannot take webhooks (or "
    "could not half a minute ago), or none has ever said that it can. Alert on 1 for 10 minutes.",
)
DEAD_LETTERS: Final = Counter(
    "ias_dead_letters_total", "Messages put aside, by reason.", ("reason",)
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
UNBOUND_IDENTITIES: Final = Counter(
    "ias_unbound_identities_total",
    "Identities that fit no single pending verification. Alert on any.",
)
SUBJECTS_ERASED: Final = Counter("ias_subjects_erased_total", "Subjects erased on request.")
LATE_FOR_ERASED: Final = Counter(
    "ias_late_for_erased_total",
    "Messages about a subject that was erased before they were handled: dropped, and no fault.",
    ("type",),
)
CREDENTIAL_REFUSED: Final = Gauge(
    "ias_vendor_credential_refused", "1 while Metriport does not accept our API key. Alert on 1."
)
DISPATCH_STOPPED: Final = Gauge(
    "ias_dispatch_stopped",
    "1 while no call goes out, by why: our key is refused (`key_refused`), an operator paused it "
    "(`paused`), or the database was restored or failed over (`database_changed`: it waits for "
    "`metriport-ias dispatch resume`). Every replica says it. Alert on 1.",
    ("why",),
)
AUDIT_UNCHAINED: Final = Gauge(
    "ias_audit_unchained", "Audit entries that the sealer has not chained yet."
)
AUDIT_UNCHAINED_AGE: Final = Gauge(
    "ias_audit_unchained_oldest_seconds",
    "Age of the oldest audit entry that is not chained yet. Alert above 60.",
)
AUDIT_CHAINED: Final = Gauge("ias_audit_chain_length", "Number of the newest link of the audit.")
SWEPT: Final = Counter(
    "ias_swept_total", "Things that the sweeper ended because their time was over.", ("kind",)
)
RECORD_REQUESTS: Final = Counter(
    "ias_record_requests_total", "Record requests that ended, by result.", ("result",)
)
RECORD_REQUEST_DEFECTS: Final = Counter(
    "ias_record_request_defects_total",
    "Looks at a record request that met a defect; it is looked at again later. Alert above 0.",
)
OVERDUE: Final = Gauge(
    "ias_overdue_seconds",
    "How long the oldest thing of a kind is over and not ended yet. Alert above 300.",
    ("kind",),
)
PARKED_FORGOTTEN: Final = Counter(
    "ias_parked_forgotten_total",
    "Webhooks of requests and patients of others, forgotten after PARKED_WEBHOOK_LIFETIME.",
)
HOUSEKEPT: Final = Counter(
    "ias_housekept_total",
    "Rows (or whole partitions, `…_partition`) removed or moved because their time was over.",
    ("what",),
)
HOUSEKEEPING_FAILURES: Final = Counter(
    "ias_housekeeping_failures_total",
    "Pieces of housekeeping that failed; tried again after a minute. Alert when it keeps growing.",
    ("piece",),
)
PARTITIONS_MISSING: Final = Gauge(
    "ias_partitions_missing",
    "Partitions of now and the days ahead that could not be made yet; rows go to the default one.",
)
SPOOL_STUCK: Final = Gauge(
    "ias_spool_stuck",
    "Records in the spool that do not open with our keys, counted up to 1,000; kept. Alert on any.",
)
