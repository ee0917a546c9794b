"""Who may do what on the topics: the one table that Kafka's ACLs are made from.

A login that is not here has no right to any topic of ours; the gateway is not, for it reaches no broker.
To read implies to describe, and to write does. Nobody may delete or alter anything but by hand.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from .topics import Topic


class Client(StrEnum):
    """Who logs in to Kafka: a role of this service, or a kind of service beside it."""

    INGRESS = "ingress"
    CONSUMERS = "consumers"
    TOPICS = "topics"
    AUDIT = "audit"
    LAG = "lag"
    APPLICATION = "application"
    OBSERVER = "observer"
    HEALTH_DATA = "health-data"
    OPERATOR = "operator"


class Access(NamedTuple):
    """What one client may do, and why.

    ``groups``: it may use every consumer group whose name begins with its login's. ``our_group``: what it
    may do with the group that the consumers share. ``inspects``: it may see how these topics are set.
    """

    purpose: str
    reads: tuple[Topic, ...] = ()
    writes: tuple[Topic, ...] = ()
    describes: tuple[Topic, ...] = ()
    creates: tuple[Topic, ...] = ()
    inspects: tuple[Topic, ...] = ()
    groups: bool = False
    our_group: str | None = None


HANDLED: Final = (Topic.WEBHOOKS, Topic.CALLBACKS, Topic.COMMANDS)
"""What the consumers handle."""

LOOKED_INTO: Final = (Topic.EVENTS, Topic.DEAD_LETTERS)
"""What the tools of the person on call read beside that, in no group.

They need the keys that the consumers hold, so they run in a pod of theirs: with a login of their own, those
keys would be in one place more. The consumers write both topics, and open what is sealed there. Links, which
are bearer credentials, no tool reads.
"""

ACCESS: Final[dict[Client, Access]] = {
    Client.INGRESS: Access(
        "Publishes what came in. Reads nothing: it could not open it anyway.",
        writes=(Topic.WEBHOOKS, Topic.CALLBACKS, Topic.DEAD_LETTERS),
    ),
    Client.CONSUMERS: Access(
        "Handles what came in, and relays the outbox and the spool, which holds the ingress's records. The tools of"
        " the person on call run as it.",
        reads=HANDLED + LOOKED_INTO,
        writes=(
            Topic.WEBHOOKS,
            Topic.CALLBACKS,
            Topic.EVENTS,
            Topic.LINKS,
            Topic.RECORD_REQUESTS,
            Topic.DEAD_LETTERS,
        ),
        inspects=tuple(Topic),
        our_group="Read",
    ),
    Client.TOPICS: Access(
        "Creates the topics, and tells what differs; a Job, never a long-running process.",
        creates=tuple(Topic),
        inspects=tuple(Topic),
    ),
    Client.AUDIT: Access(
        "Reads the audit's published heads, in no group.",
        reads=(Topic.EVENTS,),
    ),
    Client.LAG: Access(
        "Sees how far the consumers are behind, and no record: KEDA's login.",
        describes=HANDLED,
        our_group="Describe",
    ),
    Client.APPLICATION: Access(
        "The one application that shows links to people.",
        reads=(Topic.EVENTS, Topic.LINKS, Topic.RECORD_REQUESTS),
        writes=(Topic.COMMANDS,),
        groups=True,
    ),
    Client.OBSERVER: Access(
        "Another service that follows what happened, and gets no link.",
        reads=(Topic.EVENTS, Topic.RECORD_REQUESTS),
        groups=True,
    ),
    Client.HEALTH_DATA: Access(
        "A service that may see health data: it reads the vendor's webhooks, data links among them.",
        reads=(Topic.WEBHOOKS,),
        groups=True,
    ),
    Client.OPERATOR: Access(
        "Looks into dead letters, which are sealed.",
        reads=(Topic.DEAD_LETTERS,),
        groups=True,
    ),
}
"""The table itself."""
