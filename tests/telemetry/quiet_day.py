"""A quiet day, as the series that Prometheus then has: samples, one a minute.

Processes export as 0 what only another role sets: instance ``a`` is an ingress that does so. Instance
``new`` is a process that starts at minute 40, in the situations that have one. Notation is promtool's:
``2x5`` is 2 six times, ``0+10x5`` grows by 10, ``_`` is a sample that is missing. Time begins at 0.
"""

from typing import Final

Series = dict[str, str]
MINUTES: Final = 480
LATE: Final = 130
"""When whatever happened in the first minutes has left every window."""


def always(value: float) -> str:
    return f"{value}x{MINUTES}"


def growing(by: float) -> str:
    return f"0+{by}x{MINUTES}"


def then(before: str, minutes: int, after: str) -> str:
    """One thing for so many minutes, then another to the end."""
    return f"{before}x{minutes - 1} {after}x{MINUTES}"


def burst(calm: float, minutes: int, height: float, lasting: int) -> str:
    """Something that passes by itself."""
    return f"{calm}x{minutes - 1} {height}x{lasting - 1} {calm}x{MINUTES}"


def of_new(name: str) -> str:
    """The series as a process has it that starts at minute 40."""
    bare, _, labels = name.removesuffix("}").partition("{")
    return f"{bare}{{{','.join(filter(None, (labels, _NEW)))}}}"


_NEW: Final = 'instance="new"'
NEVER: Final = "_"
GONE: Final = "1x29 stale"
STARTED: Final = "process_start_time_seconds"
ACK: Final = 'ias_webhook_ack_seconds_bucket{le="%s"}'
TOLD: Final = 'ias_outbox_relayed_total{topic="ias.events.v1",type="ias.event.%s"}'
UNKNOWN: Final = TOLD % "NetworkQueryOutcomeUnknown"
REFUSED: Final = 'ias_webhooks_total{type="other",result="unauthenticated"}'
SIGNED: Final = 'ias_webhook_key_slot_total{slot="0"}'
HANDLED: Final = 'ias_messages_total{topic="ias.commands.v1",type="other",result="handled"}'
LAG: Final = 'ias_consumer_lag_records{topic="ias.commands.v1"}'
LETTERS: Final = 'ias_dead_letters_total{reason="%s"}'
UNBOUND: Final = "ias_unbound_identities_total"
DEFECTS: Final = "ias_record_request_defects_total"
HANGS: Final = 'ias_handler_hangs_total{topic="ias.commands.v1",type="ias.command.RequestRecords"}'
NOT_TAKEN: Final = 'ias_webhooks_total{type="%s",result="not_durable"}'
TOO_MANY: Final = 'ias_ingress_refused_total{limit="webhooks"}'
PARTITIONS: Final = "ias_consumer_partitions"
AUDIT_POD_FAILED: Final = 'kube_job_status_failed{job_name="metriport-ias-audit-29380"}'
AUDIT_FAILED: Final = 'kube_job_failed{job_name="metriport-ias-audit-29380",condition="true"}'
ONE_IS_ENOUGH: Final = {
    UNKNOWN: "IasOutcomeUnknown",
    NOT_TAKEN % "medical.consolidated-data": "IasWebhooksNotTaken",
    TOO_MANY: "IasWebhooksNotTaken",
    HANGS: "IasHandlerHangs",
    LETTERS % "handler_failed": "IasDeadLetters",
    UNBOUND: "IasIdentityUnbound",
    DEFECTS: "IasRecordRequestDefect",
}
"""Counters of which one event is to be noticed, and by which alert."""
CHECKED: Final = 'kube_cronjob_status_last_successful_time{cronjob="metriport-ias-audit"}'

QUIET: Final[Series] = {
    'ias_build_info{role="ingress",instance="a"}': always(1),
    'ias_build_info{role="consumers",instance="b"}': always(1),
    'ias_build_info{role="consumers",instance="c"}': always(1),
    'ias_build_info{role="gateway",instance="d"}': always(1),
    STARTED: always(-86400),
    "ias_open_measured_timestamp_seconds": growing(60),
    "ias_vendor_measured_timestamp_seconds": growing(60),
    'ias_vendor_measured_timestamp_seconds{instance="a"}': always(0),
    'ias_dispatch_stopped{why="key_refused"}': always(0),
    'ias_dispatch_stopped{why="database_changed"}': always(0),
    'ias_dispatch_stopped{why="paused"}': always(0),
    'ias_vendor_circuit_open{kind="reads"}': always(0),
    'ias_vendor_calls_waiting_oldest_seconds{operation="start_network_query"}': always(20),
    'ias_vendor_calls_waiting_oldest_seconds{operation="get_network_query"}': always(5000),
    "ias_vendor_quota_left": always(8000),
    "ias_vendor_quota_of_day": always(10000),
    'ias_vendor_quota_left{instance="a"}': always(0),
    'ias_vendor_quota_of_day{instance="a"}': always(0),
    'ias_open_measured_timestamp_seconds{instance="a"}': always(0),
    'ias_consumer_lag_measured_timestamp_seconds{instance="a"}': always(0),
    UNKNOWN: always(3),
    REFUSED: always(2),
    SIGNED: growing(10),
    'ias_webhooks_total{type="network-query.hie",result="published"}': growing(10),
    NOT_TAKEN % "other": always(0),
    NOT_TAKEN % "medical.consolidated-data": always(0),
    NOT_TAKEN % "network-query.hie": always(0),
    TOO_MANY: always(0),
    'ias_ingress_refused_total{limit="browsers"}': growing(1),
    ACK % "0.05": growing(99),
    ACK % "2.0": growing(100),
    ACK % "3.5": growing(100),
    ACK % "+Inf": growing(100),
    "ias_kafka_breaker_open": always(0),
    "ias_spool_oldest_seconds": always(0),
    "ias_spool_stuck": always(0),
    "ias_ingress_not_well": always(0),
    'ias_delivery_problem{problem="stopped"}': always(0),
    'ias_found_by_poll_total{what="source_completed"}': always(1),
    LAG: always(3),
    HANDLED: growing(10),
    'ias_consumer_oldest_seconds{topic="ias.commands.v1"}': always(1),
    "ias_consumer_lag_measured_timestamp_seconds": growing(60),
    PARTITIONS: always(12),
    'ias_consumer_partitions{instance="a"}': always(0),
    "ias_consumer_rebuilt_total": always(1),
    'ias_consumer_type_stopped{topic="ias.commands.v1",type="ias.command.RequestRecords"}': always(
        0
    ),
    HANGS: always(0),
    LETTERS % "handler_failed": always(4),
    LETTERS % "invalid_field": growing(1),
    "ias_outbox_oldest_seconds": always(0.3),
    UNBOUND: always(1),
    'ias_overdue_seconds{kind="query"}': always(4),
    DEFECTS: always(0),
    AUDIT_POD_FAILED: always(0),
    AUDIT_FAILED: NEVER,
    CHECKED: always(0),
    "ias_audit_unchained_oldest_seconds": always(3),
    'ias_housekeeping_failures_total{piece="inbox"}': always(0),
    "ias_partitions_missing": always(0),
    **dict.fromkeys(map(of_new, (STARTED, *ONE_IS_ENOUGH)), NEVER),
}
