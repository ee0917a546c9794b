"""What goes to Metriport and what stands in its way: calls, pacing, quota, circuits, stops, deliveries."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from service.telemetry.metrics.buckets import SECONDS

VENDOR_CALLS: Final = Counter(
    "ias_vendor_calls_total",
    "Calls to Metriport by operation and outcome.",
    ("operation", "outcome"),
)
VENDOR_SECONDS: Final = Histogram(
    "ias_vendor_call_seconds", "Duration of calls to Metriport.", ("operation",), buckets=SECONDS
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
CALLS_WAITING: Final = Gauge(
    "ias_vendor_calls_waiting",
    "Calls that are due and not made yet, by operation, counted up to 100,000; all replicas say the same.",
    ("operation",),
)
CALLS_WAITING_AGE: Final = Gauge(
    "ias_vendor_calls_waiting_oldest_seconds",
    "How long the call that is due for longest waits for its pace, its quota or its circuit.",
    ("operation",),
)
CALLS_IN_FLIGHT: Final = Gauge(
    "ias_vendor_calls_in_flight", "Calls that are claimed and not recorded yet.", ("operation",)
)
SLOTS: Final = Gauge(
    "ias_vendor_pace_slots", "Slots of a pool of the limiter: calls in any minute.", ("pool",)
)
SLOTS_FREE: Final = Gauge(
    "ias_vendor_pace_slots_free", "Slots of a pool that a call could take now.", ("pool",)
)
QUOTA_LEFT: Final = Gauge(
    "ias_vendor_quota_left",
    "Calls of the day that are left for people, all replicas together; looks and background work stop "
    "PACING_DAILY_RESERVE before.",
)
TRAFFIC_MEASURED: Final = Gauge(
    "ias_vendor_measured_timestamp_seconds",
    "When the database last said what waits and what the limits leave (Unix time).",
)
