"""Kafka: the topics exist as the map wants them, and what was acknowledged survives a broker."""

from collections.abc import Iterator
from typing import Final

from consumers.doctor.finding import Finding, ok, warning, wrong
from schemas.topics import DAY, HOUR, TOPICS, Topic
from service.bus.facts import Facts, TopicFacts, UnreachableError, look
from service.bus.topics import MAX_MESSAGE, configuration
from service.settings.groups import Kafka

CHECK: Final = "kafka.topic"
_REPLICAS: Final = 3
_IN_SYNC: Final = 2
_RUN_APPLY: Final = "run `metriport-ias topics apply`"


async def check(settings: Kafka) -> list[Finding]:
    """Look at the cluster and judge it."""
    try:
        found = await look(settings)
    except UnreachableError as error:
        why = f"{error} for {settings.bootstrap_servers}"
        todo = "check KAFKA_BOOTSTRAP_SERVERS, KAFKA_SECURITY_PROTOCOL, the login and the network"
        return [wrong("kafka.reachable", why, todo)]
    return [ok("kafka.reachable", "the cluster answers"), *judge(found)]


def judge(found: Facts) -> Iterator[Finding]:
    """What follows from how the topics are."""
    for topic, facts in found.items():
        if facts is None:
            yield wrong(CHECK, "is not there", _RUN_APPLY, topic)
            continue
        odd = [*_places(topic, facts), *_durability(topic, facts), *_configs(topic, facts)]
        yield from odd or [ok(CHECK, _shown(topic, facts), topic)]
    yield ok("kafka.acks", "every producer of this service waits for all in-sync replicas")


def _places(topic: Topic, facts: TopicFacts) -> Iterator[Finding]:
    wanted = TOPICS[topic].partitions
    if facts.partitions < wanted:
        yield warning(
            "kafka.partitions",
            f"{facts.partitions} partitions, not {wanted}",
            "fewer replicas of the consumers can share the work; to add some moves keys to other"
            " partitions: do it while the topic is empty",
            topic,
        )
    if facts.lagging:
        yield warning(
            "kafka.in-sync",
            f"{facts.lagging} partitions have a replica that is not in sync",
            "look at the brokers: one may be away",
            topic,
        )


def _durability(topic: Topic, facts: TopicFacts) -> Iterator[Finding]:
    if facts.replication < _REPLICAS:
        yield warning(
            "kafka.replication",
            f"{facts.replication} replicas, not {_REPLICAS}",
            "what is answered 200 can be lost with a broker: reassign the partitions to three",
            topic,
        )
    in_sync = facts.configs.get("min.insync.replicas")
    if in_sync is not None and int(in_sync) < _IN_SYNC:
        yield warning(
            "kafka.min-insync",
            f"min.insync.replicas={in_sync}, not {_IN_SYNC}",
            "an acknowledgement may come from one broker alone: set it to 2",
            topic,
        )
    elif in_sync is not None and int(in_sync) >= facts.replication:
        yield warning(
            "kafka.min-insync",
            f"min.insync.replicas={in_sync} of {facts.replication} replicas",
            "no broker can be away without stopping every write: use three replicas",
            topic,
        )
    if facts.configs.get("unclean.leader.election.enable") == "true":
        yield wrong(
            "kafka.unclean-election",
            "unclean.leader.election.enable=true",
            "a replica that lags may lead, and acknowledged records vanish: set it to false",
            topic,
        )


def _configs(topic: Topic, facts: TopicFacts) -> Iterator[Finding]:
    if not facts.configs:
        todo = "allow the login DescribeConfigs on the topics, or look at them by hand"
        yield warning("kafka.configs", "the cluster does not tell its settings", todo, topic)
        return
    spec = TOPICS[topic]
    policy = facts.configs.get("cleanup.policy", spec.cleanup)
    if policy != spec.cleanup:
        todo = f"set cleanup.policy={spec.cleanup}: records are lost, or kept for ever"
        yield wrong("kafka.cleanup", f"cleanup.policy={policy}", todo, topic)
    largest = facts.configs.get("max.message.bytes")
    if largest is not None and int(largest) < MAX_MESSAGE:
        todo = (
            f"set max.message.bytes={MAX_MESSAGE}: large webhooks are refused and go to the spool"
        )
        yield wrong("kafka.message-size", f"max.message.bytes={largest}", todo, topic)
    if facts.configs.get("message.timestamp.type", "LogAppendTime") != "LogAppendTime":
        todo = "set message.timestamp.type=LogAppendTime: else retention follows our clocks"
        yield warning("kafka.timestamps", "producers give the times", todo, topic)
    yield from _retention(topic, facts.configs.get("retention.ms"))
    yield from _segments(topic, facts.configs.get("segment.ms"))


def _retention(topic: Topic, said: str | None) -> Iterator[Finding]:
    wanted = TOPICS[topic].retention_ms
    if said is None or wanted is None or int(said) == wanted:
        return
    kept, longer = int(said), int(said) < 0 or int(said) > wanted
    found = f"kept {_span(kept)}, not {_span(wanted)}"
    if topic is Topic.LINKS and longer:
        todo = f"set retention.ms={wanted}: links are bearer credentials"
        yield wrong("kafka.retention", found, todo, topic)
        return
    consequence = "health data stays longer" if longer else "less can be read or replayed again"
    todo = f"set retention.ms={wanted}, or know that {consequence}"
    yield warning("kafka.retention", found, todo, topic)


def _segments(topic: Topic, said: str | None) -> Iterator[Finding]:
    wanted = configuration(TOPICS[topic], _REPLICAS).get("segment.ms")
    if said is None or wanted is None or int(said) <= int(wanted):
        return
    found = f"what is written to may stay {_span(int(said))} longer than it is kept"
    todo = f"set segment.ms={wanted}: nothing is deleted before its segment is closed"
    judged = wrong if topic is Topic.LINKS else warning  # links are bearer credentials
    yield judged("kafka.segments", found, todo, topic)


def _shown(topic: Topic, facts: TopicFacts) -> str:
    retention = TOPICS[topic].retention_ms
    kept = "compacted" if retention is None else f"kept {_span(retention)}"
    in_sync = facts.configs.get("min.insync.replicas", "?")
    unclean = facts.configs.get("unclean.leader.election.enable", "not told")
    return (
        f"{facts.partitions} partitions, {facts.replication} replicas, min ISR {in_sync}, {kept}, "
        f"unclean election: {unclean}"
    )


def _span(milliseconds: int) -> str:
    if milliseconds < 0:
        return "for ever"
    if milliseconds % DAY == 0:
        return f"{milliseconds // DAY} days"
    return f"{milliseconds / HOUR:g} h"
