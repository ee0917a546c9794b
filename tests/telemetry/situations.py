"""Situations as series of samples, one a minute, and the alerts that each must fire: those and no others.

Every situation is a quiet day with some of its series replaced. Processes export as 0 what only another role
sets: instance ``a`` is an ingress that does so. Notation is promtool's: ``2x5`` is 2 six
times, ``0+10x5`` grows by 10, ``_`` is a sample that is missing. Time begins at 0.
"""

from typing import Final, NamedTuple

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


GONE: Final = "1x29 stale"
ACK: Final = 'ias_webhook_ack_seconds_bucket{le="%s"}'
TOLD: Final = 'ias_outbox_relayed_total{topic="ias.events.v1",type="ias.event.%s"}'
UNKNOWN: Final = TOLD % "NetworkQueryOutcomeUnknown"
REFUSED: Final = 'ias_webhooks_total{type="other",result="unauthenticated"}'
SIGNED: Final = 'ias_webhook_key_slot_total{slot="0"}'
HANDLED: Final = 'ias_messages_total{topic="ias.commands.v1",type="other",result="handled"}'
LAG: Final = 'ias_consumer_lag_records{topic="ias.commands.v1"}'
CHECKED: Final = 'kube_cronjob_status_last_successful_time{cronjob="metriport-ias-audit"}'

QUIET: Final[Series] = {
    'ias_build_info{role="ingress",instance="a"}': always(1),
    'ias_build_info{role="consumers",instance="b"}': always(1),
    'ias_build_info{role="consumers",instance="c"}': always(1),
    'ias_build_info{role="gateway",instance="d"}': always(1),
    "ias_open_measured_timestamp_seconds": growing(60),
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
    'ias_webhooks_total{type="other",result="not_durable"}': always(0),
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
    "ias_consumer_rebuilt_total": always(1),
    'ias_consumer_type_stopped{topic="ias.commands.v1",type="ias.command.RequestRecords"}': always(
        0
    ),
    'ias_handler_hangs_total{topic="ias.commands.v1",type="ias.command.RequestRecords"}': always(0),
    'ias_dead_letters_total{reason="handler_failed"}': always(4),
    'ias_dead_letters_total{reason="invalid_field"}': growing(1),
    "ias_outbox_oldest_seconds": always(0.3),
    "ias_unbound_identities_total": always(1),
    'ias_overdue_seconds{kind="query"}': always(4),
    "ias_record_request_defects_total": always(0),
    'kube_job_status_failed{job_name="metriport-ias-audit-29380"}': always(0),
    CHECKED: always(0),
    "ias_audit_unchained_oldest_seconds": always(3),
    'ias_housekeeping_failures_total{piece="inbox"}': always(0),
    "ias_partitions_missing": always(0),
}


class Situation(NamedTuple):
    """What is other than on a quiet day, when to look, and which alerts then fire."""

    what: str
    series: Series
    fires: tuple[str, ...]
    minute: int = 60


def _gauge(
    name: str, height: float, alert: str, *, calm: float = 0, minutes: int = 60
) -> list[Situation]:
    """A gauge that stays high fires; one that is high for a moment does not."""
    return [
        Situation(
            f"{name} stays at {height}", {name: then(str(calm), 10, str(height))}, (alert,), minutes
        ),
        Situation(
            f"{name} was at {height} for a moment", {name: burst(calm, 10, height, 1)}, (), 10
        ),
    ]


def _counter(
    name: str, alert: str, *, before: int = 0, more: int = 1, late: int = LATE
) -> list[Situation]:
    """A counter that grew fires; once it has stood long it does not."""
    grew = f"{before}x49 {before + more}x{MINUTES}"
    return [
        Situation(f"{name} grew by {more}", {name: grew}, (alert,), 55),
        Situation(
            f"{name} grew, and then stood for long",
            {name: f"{before}x9 {before + more}x{MINUTES}"},
            (),
            late,
        ),
    ]


_CIRCUIT: Final = 'ias_vendor_circuit_open{kind="reads"}'
_WAITING: Final = 'ias_vendor_calls_waiting_oldest_seconds{operation="start_network_query"}'
_STOPPED: Final = 'ias_dispatch_stopped{why="%s"}'
_TYPE: Final = (
    'ias_consumer_type_stopped{topic="ias.commands.v1",type="ias.command.RequestRecords"}'
)
_HANGS: Final = 'ias_handler_hangs_total{topic="ias.commands.v1",type="ias.command.RequestRecords"}'

SITUATIONS: Final = [
    Situation("a quiet day", {}, (), LATE),
    Situation(
        "the gateways are gone",
        {'ias_build_info{role="gateway",instance="d"}': GONE},
        ("IasRoleDown",),
    ),
    Situation(
        "one of two consumers is gone", {'ias_build_info{role="consumers",instance="b"}': GONE}, ()
    ),
    Situation(
        "every consumers process is gone",
        {
            'ias_build_info{role="consumers",instance="b"}': GONE,
            'ias_build_info{role="consumers",instance="c"}': GONE,
            "ias_open_measured_timestamp_seconds": "0+60x29 stale",
            "ias_consumer_lag_measured_timestamp_seconds": "0+60x29 stale",
        },
        ("IasRoleDown",),
    ),
    Situation(
        "the gateway is gone, and its gauges with it",
        {
            'ias_build_info{role="gateway",instance="d"}': GONE,
            "ias_vendor_quota_left": "8000x29 stale",
            "ias_vendor_quota_of_day": "10000x29 stale",
        },
        ("IasRoleDown",),
    ),
    Situation(
        "Postgres is away",
        {"ias_open_measured_timestamp_seconds": "0+60x29 1740x200"},
        ("IasDatabaseAway",),
    ),
    Situation(
        "Postgres was away for two minutes",
        {"ias_open_measured_timestamp_seconds": "0+60x29 1740x2 1980+60x200"},
        (),
        32,
    ),
    *_gauge(_STOPPED % "key_refused", 1, "IasKeyRefused"),
    *_gauge(_STOPPED % "database_changed", 1, "IasDispatchStoppedByFailover"),
    *_gauge(_STOPPED % "paused", 1, "IasDispatchPaused", minutes=80),
    Situation(
        "dispatch was paused for a quarter of an hour",
        {_STOPPED % "paused": burst(0, 10, 1, 15)},
        (),
        24,
    ),
    *_gauge(_CIRCUIT, 1, "IasCircuitOpen"),
    Situation("Metriport is tried again", {_CIRCUIT: always(0.5)}, ()),
    *_gauge(_WAITING, 1000, "IasCallsWait", calm=20),
    *_gauge("ias_vendor_quota_left", 900, "IasQuotaNearlyUsed", calm=8000),
    Situation(
        "the quota is used",
        {"ias_vendor_quota_left": always(0)},
        ("IasQuotaNearlyUsed", "IasQuotaUsed"),
    ),
    *_counter(UNKNOWN, "IasOutcomeUnknown", before=3),
    Situation(
        "the wrong webhook key is deployed",
        {REFUSED: growing(1), SIGNED: always(50)},
        ("IasWebhookKeyMismatch",),
    ),
    Situation(
        "two strangers knock while nothing comes",
        {REFUSED: f"0x40 1x2 2x{MINUTES}", SIGNED: always(50)},
        (),
        55,
    ),
    Situation(
        "the first webhooks of a new deployment are all refused",
        {REFUSED: f"0x30 0+2x{MINUTES}", SIGNED: always(0)},
        ("IasWebhookKeyMismatch",),
    ),
    Situation("somebody forges webhooks", {REFUSED: growing(600)}, ("IasWebhooksForged",)),
    Situation("few webhooks are forged", {REFUSED: growing(20)}, ()),
    Situation(
        "webhooks are not durable",
        {'ias_webhooks_total{type="other",result="not_durable"}': growing(1)},
        ("IasWebhooksNotTaken",),
    ),
    Situation(
        "answers take more than 2 s",
        {ACK % "0.05": growing(90), ACK % "2.0": growing(95)},
        ("IasAckSlow",),
    ),
    Situation("answers take one second", {ACK % "0.05": growing(1)}, ()),
    Situation(
        "Kafka is away and the breaker open",
        {"ias_kafka_breaker_open": then("0", 10, "1")},
        ("IasSpooling",),
    ),
    Situation(
        "Kafka is away for long",
        {"ias_spool_oldest_seconds": "0x9 0+60x200"},
        ("IasSpooling", "IasSpoolStands"),
    ),
    Situation(
        "the spool empties within a minute",
        {"ias_spool_oldest_seconds": burst(0, 10, 40, 1)},
        (),
        10,
    ),
    *_gauge("ias_spool_stuck", 2, "IasSpoolStuck"),
    *_gauge("ias_ingress_not_well", 1, "IasIngressNotWell"),
    *_gauge('ias_delivery_problem{problem="stopped"}', 1, "IasDeliveriesNotHealed"),
    *_counter(
        'ias_found_by_poll_total{what="source_completed"}',
        "IasWebhooksMissed",
        before=1,
        more=4,
        late=400,
    ),
    Situation(
        "records wait and none is handled",
        {LAG: then("3", 10, "40"), HANDLED: "0+10x9 100x200"},
        ("IasConsumersStandStill",),
    ),
    Situation("nothing is handled for nothing waits", {LAG: always(0), HANDLED: always(100)}, ()),
    *_gauge(
        'ias_consumer_oldest_seconds{topic="ias.commands.v1"}', 300, "IasConsumersBehind", calm=1
    ),
    Situation(
        "Kafka does not say what waits",
        {"ias_consumer_lag_measured_timestamp_seconds": "0+60x29 1740x200"},
        ("IasLagNotMeasured",),
    ),
    Situation(
        "Kafka did not say for two minutes",
        {"ias_consumer_lag_measured_timestamp_seconds": "0+60x29 1740x2 1980+60x200"},
        (),
        32,
    ),
    *_counter("ias_consumer_rebuilt_total", "IasConsumerRebuilt", before=1, more=3),
    Situation(
        "a consumer was replaced once", {"ias_consumer_rebuilt_total": f"0x49 1x{MINUTES}"}, (), 55
    ),
    *_gauge(_TYPE, 1, "IasTypeStopped"),
    *_counter(_HANGS, "IasHandlerHangs"),
    *_counter('ias_dead_letters_total{reason="handler_failed"}', "IasDeadLetters", before=4),
    *_gauge("ias_outbox_oldest_seconds", 300, "IasOutboxStands"),
    *_counter("ias_unbound_identities_total", "IasIdentityUnbound", before=1),
    *_gauge('ias_overdue_seconds{kind="query"}', 600, "IasOverdue"),
    *_counter("ias_record_request_defects_total", "IasRecordRequestDefect"),
    *_gauge('kube_job_status_failed{job_name="metriport-ias-audit-29380"}', 1, "IasAuditBroken"),
    Situation("no check of the audit is known", {CHECKED: "_"}, ("IasAuditNotChecked",), 90),
    Situation(
        "the last check of the audit was three days ago",
        {CHECKED: always(-259200)},
        ("IasAuditNotChecked",),
        90,
    ),
    *_gauge("ias_audit_unchained_oldest_seconds", 90, "IasAuditUnchained"),
    Situation(
        "housekeeping fails every minute",
        {'ias_housekeeping_failures_total{piece="inbox"}': growing(1)},
        ("IasHousekeepingFails",),
    ),
    Situation(
        "housekeeping failed twice",
        {'ias_housekeeping_failures_total{piece="inbox"}': f"0x40 2x{MINUTES}"},
        (),
        55,
    ),
    *_gauge("ias_partitions_missing", 1, "IasPartitionsMissing", minutes=80),
]
