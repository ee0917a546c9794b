"""The topic map: which topics there are, how they are keyed, kept and cut.

``retention`` is in milliseconds; ``None`` keeps the broker's own. Names are versioned: a change that
old readers cannot follow gets a new topic.
"""

from enum import StrEnum
from typing import Final, Literal, NamedTuple


class Topic(StrEnum):
    """Every topic, without the deployment's prefix."""

    WEBHOOKS = "metriport.webhooks.v1"
    CALLBACKS = "ias.callbacks.v1"
    COMMANDS = "ias.commands.v1"
    EVENTS = "ias.events.v1"
    LINKS = "ias.links.v1"
    RECORD_REQUESTS = "ias.record-requests.v1"
    DEAD_LETTERS = "ias.dead-letters.v1"


class TopicSpec(NamedTuple):
    """How one topic is set up."""

    key: str
    partitions: int
    retention_ms: int | None
    cleanup: Literal["delete", "compact"]
    purpose: str


HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR

TOPICS: Final[dict[Topic, TopicSpec]] = {
    Topic.WEBHOOKS: TopicSpec(
        "patientId", 12, 7 * DAY, "delete", "Every authentic webhook of Metriport."
    ),
    Topic.CALLBACKS: TopicSpec(
        "subjectId", 6, DAY, "delete", "A person opened a link or came back; sealed."
    ),
    Topic.COMMANDS: TopicSpec(
        "subjectId", 12, 7 * DAY, "delete", "What this service is asked to do."
    ),
    Topic.EVENTS: TopicSpec(
        "subjectId", 12, 30 * DAY, "delete", "What happened; gapless sequence a subject."
    ),
    Topic.LINKS: TopicSpec(
        "subjectId", 6, HOUR, "delete", "Bearer links, for the application alone."
    ),
    Topic.RECORD_REQUESTS: TopicSpec(
        "requestId", 6, None, "compact", "Latest state of each record request."
    ),
    Topic.DEAD_LETTERS: TopicSpec(
        "none", 3, 90 * DAY, "delete", "Sealed messages that could not be acted on."
    ),
}
"""The map itself."""
