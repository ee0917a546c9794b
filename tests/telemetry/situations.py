"""Situations, and the alerts that each must fire: those and no others.

Every situation is a quiet day (``quiet_day``) with some of its series replaced.
"""

from typing import Final

from tests.telemetry.quiet_day import (
    ACK,
    AUDIT_FAILED,
    AUDIT_POD_FAILED,
    CHECKED,
    DEFECTS,
    GONE,
    HANDLED,
    HANGS,
    LAG,
    LATE,
    LETTERS,
    MINUTES,
    NEVER,
    NOT_TAKEN,
    ONE_IS_ENOUGH,
    PARTITIONS,
    REFUSED,
    SIGNED,
    TOO_MANY,
    UNBOUND,
    UNKNOWN,
    always,
    burst,
    growing,
    then,
)
from tests.telemetry.situation import Situation, counter, gauge, of_new_process

_CIRCUIT: Final = 'ias_vendor_circuit_open{kind="reads"}'
_WAITING: Final = 'ias_vendor_calls_waiting_oldest_seconds{operation="start_network_query"}'
_STOPPED: Final = 'ias_dispatch_stopped{why="%s"}'
_TYPE: Final = (
    'ias_consumer_type_stopped{topic="ias.commands.v1",type="ias.command.RequestRecords"}'
)

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
            "ias_vendor_measured_timestamp_seconds": "0+60x29 stale",
        },
        ("IasRoleDown",),
    ),
    Situation(
        "Postgres is away",
        {"ias_open_measured_timestamp_seconds": "0+60x29 1740x200"},
        ("IasDatabaseAway",),
    ),
    Situation(
        "Postgres is away for the gateways alone",
        {"ias_vendor_measured_timestamp_seconds": "0+60x29 1740x200"},
        ("IasDatabaseAway",),
    ),
    Situation(
        "Postgres was away for two minutes",
        {"ias_open_measured_timestamp_seconds": "0+60x29 1740x2 1980+60x200"},
        (),
        32,
    ),
    *gauge(_STOPPED % "key_refused", 1, "IasKeyRefused"),
    *gauge(_STOPPED % "database_changed", 1, "IasDispatchStoppedByFailover"),
    *gauge(_STOPPED % "paused", 1, "IasDispatchPaused", minutes=80),
    Situation(
        "dispatch was paused for a quarter of an hour",
        {_STOPPED % "paused": burst(0, 10, 1, 15)},
        (),
        24,
    ),
    *gauge(_CIRCUIT, 1, "IasCircuitOpen"),
    Situation("Metriport is tried again", {_CIRCUIT: always(0.5)}, ()),
    *gauge(_WAITING, 1000, "IasCallsWait", calm=20),
    *gauge("ias_vendor_quota_left", 900, "IasQuotaNearlyUsed", calm=8000),
    Situation(
        "the quota is used",
        {"ias_vendor_quota_left": always(0)},
        ("IasQuotaNearlyUsed", "IasQuotaUsed"),
    ),
    *counter(UNKNOWN, "IasOutcomeUnknown", before=3),
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
    Situation(
        "every webhook is refused and none was ever signed",
        {REFUSED: growing(1), SIGNED: NEVER},
        ("IasWebhookKeyMismatch",),
    ),
    Situation("somebody forges webhooks", {REFUSED: growing(600)}, ("IasWebhooksForged",)),
    Situation("few webhooks are forged", {REFUSED: growing(20)}, ()),
    Situation(
        "webhooks are not durable",
        {NOT_TAKEN % "other": growing(1)},
        ("IasWebhooksNotTaken",),
    ),
    Situation(
        "one webhook each of two types is not durable",
        {
            NOT_TAKEN % "medical.consolidated-data": f"0x49 1x{MINUTES}",
            NOT_TAKEN % "network-query.hie": f"0x49 1x{MINUTES}",
        },
        ("IasWebhooksNotTaken",),
        53,
    ),
    *counter(TOO_MANY, "IasWebhooksNotTaken", at=53),
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
    *gauge("ias_spool_stuck", 2, "IasSpoolStuck"),
    *gauge("ias_ingress_not_well", 1, "IasIngressNotWell"),
    *gauge('ias_delivery_problem{problem="stopped"}', 1, "IasDeliveriesNotHealed"),
    *counter(
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
    Situation(
        "records wait, and the consumers that are there have never handled any",
        {LAG: then("3", 10, "100"), HANDLED: NEVER},
        ("IasConsumersStandStill",),
        24,
    ),
    Situation(
        "consumers start anew, find records and handle them",
        {LAG: then("0", 20, "40"), HANDLED: "_x20 0+1x200"},
        (),
        30,
    ),
    Situation(
        "nobody has a partition, so nothing is seen to wait",
        {PARTITIONS: then("12", 10, "0"), LAG: then("3", 10, "0")},
        ("IasNoPartitions",),
        20,
    ),
    Situation(
        "nobody says how many partitions it has",
        {PARTITIONS: NEVER, 'ias_consumer_partitions{instance="a"}': NEVER},
        ("IasNoPartitions",),
        20,
    ),
    Situation("partitions are shared out anew", {PARTITIONS: burst(12, 10, 0, 2)}, (), 11),
    Situation("nothing is handled for nothing waits", {LAG: always(0), HANDLED: always(100)}, ()),
    *gauge(
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
    *counter("ias_consumer_rebuilt_total", "IasConsumerRebuilt", before=1, more=3),
    Situation(
        "a consumer was replaced once", {"ias_consumer_rebuilt_total": f"0x49 1x{MINUTES}"}, (), 55
    ),
    *gauge(_TYPE, 1, "IasTypeStopped"),
    *counter(HANGS, "IasHandlerHangs"),
    *counter(LETTERS % "handler_failed", "IasDeadLetters", before=4),
    *gauge("ias_outbox_oldest_seconds", 300, "IasOutboxStands"),
    *counter(UNBOUND, "IasIdentityUnbound", before=1),
    *gauge('ias_overdue_seconds{kind="query"}', 600, "IasOverdue"),
    *counter(DEFECTS, "IasRecordRequestDefect"),
    Situation(
        "the check of the audit failed for good",
        {AUDIT_POD_FAILED: then("0", 10, "3"), AUDIT_FAILED: f"_x10 1x{MINUTES}"},
        ("IasAuditBroken",),
    ),
    Situation(
        "a pod of the audit's check failed, and the next one succeeded",
        {AUDIT_POD_FAILED: then("0", 10, "1")},
        (),
    ),
    Situation("no check of the audit is known", {CHECKED: "_"}, ("IasAuditNotChecked",), 90),
    Situation(
        "the last check of the audit was three days ago",
        {CHECKED: always(-259200)},
        ("IasAuditNotChecked",),
        90,
    ),
    *gauge("ias_audit_unchained_oldest_seconds", 90, "IasAuditUnchained"),
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
    *gauge("ias_partitions_missing", 1, "IasPartitionsMissing", minutes=80),
    *(one for name, alert in ONE_IS_ENOUGH.items() for one in of_new_process(name, alert)),
]
