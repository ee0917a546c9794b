"""Topics and logins as resources of the Strimzi operator: pure, for ``metriport-ias topics strimzi``.

Written line by line, for the product needs no YAML otherwise; what is not a word of ours is quoted as
JSON, which is YAML too.
"""

import json
from collections.abc import Iterator
from typing import Final

from schemas.access import ACCESS, Client
from schemas.topics import TOPICS, Topic
from service.bus.acls import USERS, Acl, acls
from service.bus.topics import configuration

API: Final = "kafka.strimzi.io/v1"
_LABELS: Final = """\
  labels:
    strimzi.io/cluster: {cluster}
    app.kubernetes.io/name: metriport-ias
    app.kubernetes.io/part-of: metriport-ias
    app.kubernetes.io/component: kafka
"""


def manifests(cluster: str, replication: int, prefix: str = "", users: str = USERS) -> str:
    """Every topic as a ``KafkaTopic`` and every client as a ``KafkaUser`` of this Strimzi cluster."""
    documents = [_topic(topic, cluster, replication, prefix) for topic in Topic]
    documents += [_user(client, cluster, prefix, users) for client in Client]
    return "---\n".join(documents)


def _topic(topic: Topic, cluster: str, replication: int, prefix: str) -> str:
    spec = TOPICS[topic]
    name = f"{prefix}{topic.value}"
    config = configuration(spec, replication)
    lines = "".join(f"    {key}: {json.dumps(value)}\n" for key, value in sorted(config.items()))
    return (
        f"# {spec.purpose}\n"
        f"apiVersion: {API}\nkind: KafkaTopic\nmetadata:\n  name: {json.dumps(name)}\n"
        f"{_LABELS.format(cluster=cluster)}"
        f"spec:\n  topicName: {json.dumps(name)}\n  partitions: {spec.partitions}\n"
        f"  replicas: {replication}\n  config:\n{lines}"
    )


def _user(client: Client, cluster: str, prefix: str, users: str) -> str:
    granted = "".join(line for one in acls(client, prefix, users) for line in _acl(one))
    return (
        f"# {ACCESS[client].purpose}\n"
        f"apiVersion: {API}\nkind: KafkaUser\nmetadata:\n  name: {users}{client.value}\n"
        f"{_LABELS.format(cluster=cluster)}"
        "spec:\n  authentication:\n    type: scram-sha-512\n"
        f"  authorization:\n    type: simple\n    acls:\n{granted}"
    )


def _acl(acl: Acl) -> Iterator[str]:
    pattern = "literal" if acl.pattern == "literal" else "prefix"  # Strimzi's word for it
    yield f"      - resource:\n          type: {acl.resource}\n"
    yield f"          name: {json.dumps(acl.name)}\n          patternType: {pattern}\n"
    yield f"        operations: [{', '.join(acl.operations)}]\n"
