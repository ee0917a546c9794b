"""What the database holds: open things by state and age, ends, audit, housekeeping; and the build."""

from typing import Final

from prometheus_client import Counter, Gauge

RECORD_REQUESTS: Final = Counter(
    "ias_record_requests_total", "Record requests that ended, by result.", ("result",)
)
RECORD_REQUEST_DEFECTS: Final = Counter(
    "ias_record_request_defects_total",
    "Looks at a record request that met a defect; it is looked at again later. Alert above 0.",
)
SWEPT: Final = Counter(
    "ias_swept_total", "Things that the sweeper ended because their time was over.", ("kind",)
)
OVERDUE: Final = Gauge(
    "ias_overdue_seconds",
    "How long the oldest thing of a kind is over and not ended yet. Alert above 300.",
    ("kind",),
)
UNBOUND_IDENTITIES: Final = Counter(
    "ias_unbound_identities_total",
    "Identities that fit no single pending verification. Alert on any.",
)
SUBJECTS_ERASED: Final = Counter("ias_subjects_erased_total", "Subjects erased on request.")
PARKED_FORGOTTEN: Final = Counter(
    "ias_parked_forgotten_total",
    "Webhooks of requests and patients of others, forgotten after PARKED_WEBHOOK_LIFETIME.",
)
AUDIT_UNCHAINED: Final = Gauge(
    "ias_audit_unchained", "Audit entries that the sealer has not chained yet."
)
AUDIT_UNCHAINED_AGE: Final = Gauge(
    "ias_audit_unchained_oldest_seconds",
    "Age of the oldest audit entry that is not chained yet. Alert above 60.",
)
AUDIT_CHAINED: Final = Gauge("ias_audit_chain_length", "Number of the newest link of the audit.")
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
OPEN_THINGS: Final = Gauge(
    "ias_open_things",
    "Things that have not ended, by state; counted up to 100,000 a table, and all replicas say the same. "
    "`step` of a record request is its state.",
    ("thing", "state"),
)
OPEN_AGE: Final = Gauge(
    "ias_open_oldest_seconds", "Age of the oldest of them; 0: there is none.", ("thing", "state")
)
OPEN_MEASURED: Final = Gauge(
    "ias_open_measured_timestamp_seconds",
    "When the database last said so (Unix time); the gauges above stand still while it is away.",
)
BUILD: Final = Gauge(
    "ias_build_info", "1; the labels say what runs.", ("version", "python", "role")
)
