"""Topics as they are, beside the map."""

from typing import Any

import pytest

from consumers.doctor.finding import Verdict
from consumers.doctor.kafka import judge
from schemas.topics import Topic
from service.bus.facts import TopicFacts

DAY = 86_400_000


def facts(**changes: Any) -> TopicFacts:
    """The events' topic as it should be."""
    configs = {
        "min.insync.replicas": "2",
        "retention.ms": str(30 * DAY),
        "cleanup.policy": "delete",
        "max.message.bytes": "35651584",
        "message.timestamp.type": "LogAppendTime",
        "unclean.leader.election.enable": "false",
        "segment.ms": str(DAY),
    }
    given: dict[str, Any] = {
        "partitions": 12,
        "replication": 3,
        "lagging": 0,
        "configs": configs,
    } | changes
    given["configs"] = configs | (changes.get("configs") or {})
    return TopicFacts(**given)


def judged(found: TopicFacts | None, topic: Topic = Topic.EVENTS) -> list[tuple[str, Verdict]]:
    return [(one.check, one.verdict) for one in judge({topic: found}) if one.check != "kafka.acks"]


def test_a_topic_as_the_map_has_it_is_ok() -> None:
    assert judged(facts()) == [("kafka.topic", Verdict.OK)]


def test_a_topic_that_is_not_there_is_wrong() -> None:
    assert judged(None) == [("kafka.topic", Verdict.WRONG)]


@pytest.mark.parametrize(
    ("changes", "check", "verdict"),
    [
        ({"partitions": 3}, "kafka.partitions", Verdict.WARNING),
        ({"lagging": 1}, "kafka.in-sync", Verdict.WARNING),
        (
            {"replication": 2, "configs": {"min.insync.replicas": "1"}},
            "kafka.replication",
            Verdict.WARNING,
        ),
        ({"configs": {"min.insync.replicas": "1"}}, "kafka.min-insync", Verdict.WARNING),
        ({"configs": {"min.insync.replicas": "3"}}, "kafka.min-insync", Verdict.WARNING),
        (
            {"configs": {"unclean.leader.election.enable": "true"}},
            "kafka.unclean-election",
            Verdict.WRONG,
        ),
        ({"configs": {"cleanup.policy": "compact"}}, "kafka.cleanup", Verdict.WRONG),
        ({"configs": {"max.message.bytes": "1048588"}}, "kafka.message-size", Verdict.WRONG),
        (
            {"configs": {"message.timestamp.type": "CreateTime"}},
            "kafka.timestamps",
            Verdict.WARNING,
        ),
        ({"configs": {"retention.ms": str(DAY)}}, "kafka.retention", Verdict.WARNING),
        ({"configs": {"retention.ms": "-1"}}, "kafka.retention", Verdict.WARNING),
        ({"configs": {"segment.ms": str(7 * DAY)}}, "kafka.segments", Verdict.WARNING),
    ],
)
def test_what_is_otherwise_is_told(changes: dict[str, Any], check: str, verdict: Verdict) -> None:
    assert (check, verdict) in judged(facts(**changes))


def test_links_that_are_kept_longer_are_wrong_and_shorter_a_warning() -> None:
    """I7: a link is a bearer credential."""
    kept = {"partitions": 6, "configs": {"retention.ms": str(2 * 3_600_000)}}
    assert ("kafka.retention", Verdict.WRONG) in judged(facts(**kept), Topic.LINKS)
    kept["configs"] = {"retention.ms": "3600000", "segment.ms": str(7 * DAY)}
    assert ("kafka.segments", Verdict.WRONG) in judged(facts(**kept), Topic.LINKS)
    kept["configs"] = {"retention.ms": "60000"}
    assert ("kafka.retention", Verdict.WARNING) in judged(facts(**kept), Topic.LINKS)


def test_a_cluster_that_tells_no_settings_is_a_warning() -> None:
    found = TopicFacts(12, 3, 0, {})
    assert judged(found) == [("kafka.configs", Verdict.WARNING)]
