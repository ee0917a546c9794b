"""The table of who may do what, as Kafka's ACLs: pure, for ``metriport-ias topics acls``."""

import shlex
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from schemas.access import ACCESS, Client
from schemas.topics import Topic
from service.bus.subscription import GROUP

USERS: Final = "metriport-ias-"
"""What the name of every login begins with; the client's own name follows."""


class Acl(NamedTuple):
    """What one login may do with one resource, from any host."""

    user: str
    resource: Literal["topic", "group"]
    name: str
    pattern: Literal["literal", "prefixed"]
    operations: tuple[str, ...]


def acls(client: Client, prefix: str = "", users: str = USERS) -> list[Acl]:
    """Every ACL of one client; ``prefix`` is that of the deployment's topics and group."""
    user = f"{users}{client.value}"
    granted = [
        Acl(user, "topic", f"{prefix}{topic.value}", "literal", operations)
        for topic, operations in _on_topics(client)
    ]
    access = ACCESS[client]
    if access.our_group is not None:
        granted.append(Acl(user, "group", f"{prefix}{GROUP}", "literal", (access.our_group,)))
    if access.groups:
        granted.append(Acl(user, "group", user, "prefixed", ("Read",)))
    return granted


def _on_topics(client: Client) -> Iterator[tuple[Topic, tuple[str, ...]]]:
    access = ACCESS[client]
    for topic in Topic:
        rights = (
            ("Read", topic in access.reads),
            ("Write", topic in access.writes),
            ("Create", topic in access.creates),
            ("Describe", topic in access.describes + access.creates),
            ("DescribeConfigs", topic in access.inspects),
        )
        if operations := tuple(name for name, granted in rights if granted):
            yield topic, operations


def commands(prefix: str = "", users: str = USERS) -> list[str]:
    """Calls of ``kafka-acls.sh`` that grant everything; where to and as whom is for the caller to add.

    One call for all resources of a login that it may do the same with.
    """
    return [
        shlex.join(["kafka-acls.sh", "--add", "--force", *arguments])
        for client in Client
        for arguments in _calls(acls(client, prefix, users))
    ]


def _calls(granted: list[Acl]) -> Iterator[list[str]]:
    alike: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    for one in granted:
        key = (one.user, one.resource, one.pattern, one.operations)
        alike.setdefault(key, []).append(one.name)
    for (user, resource, pattern, operations), names in alike.items():
        arguments = ["--allow-principal", f"User:{user}", "--resource-pattern-type", pattern]
        for operation in operations:
            arguments += ["--operation", operation]
        for name in names:
            arguments += [f"--{resource}", name]
        yield arguments
