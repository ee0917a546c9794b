"""The command line of ``metriport-ias topics``.

Exit codes: 0 done (``check``: all is as it should be), 1 not, or no cluster to ask, 2 settings are wrong. ``acls`` and
``strimzi`` only print: they need no broker, and of the settings KAFKA_TOPIC_PREFIX alone.
"""

import argparse
import json
import os
from typing import Final

from consumers.command_line import FOUND_WRONG, OK, say, settings_of
from schemas.access import Client
from service.bus import acls, facts, strimzi, topics
from service.bus.facts import UnreachableError
from service.settings.groups import Kafka
from service.settings.roles import Role, TopicsSettings

PREFIX: Final = "KAFKA_TOPIC_PREFIX"

_ACLS: Final = (
    "Prints calls of kafka-acls.sh; add --bootstrap-server and --command-config to each. A login is --users"
    " and the client's name: metriport-ias-ingress, metriport-ias-application and so on."
)
_STRIMZI: Final = "Prints KafkaTopic and KafkaUser resources, for `kubectl apply -f -` in the namespace of the Kafka cluster."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The grammar of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    apply = actions.add_parser("apply", help="create the topics that are missing")
    check = actions.add_parser("check", help="tell what is missing or differs from the map")
    granted = actions.add_parser("acls", help="print who may do what", description=_ACLS)
    granted.add_argument("--json", action="store_true", help="print a JSON array instead")
    made = actions.add_parser("strimzi", help="print Strimzi's resources", description=_STRIMZI)
    made.add_argument("--cluster", default="metriport", help="name of the Kafka resource")
    for one in (granted, made):
        one.add_argument("--users", default=acls.USERS, help="begins every login (%(default)s)")
    for one in (apply, check, made):
        one.add_argument("--replication", type=int, default=3, help="replicas of a topic (3)")


async def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code.

    Raises:
        SettingsError: what is missing or wrong.
        UnreachableError: the cluster does not answer, or not to this login.
    """
    match options.action:
        case "acls":
            text = _granted(options.users, as_json=options.json)
        case "strimzi":
            prefix = os.environ.get(PREFIX, "")
            text = strimzi.manifests(options.cluster, options.replication, prefix, options.users)
        case action:
            return await _on_cluster(action, options.replication)
    say(text.rstrip("\n"))
    return OK


def _granted(users: str, *, as_json: bool) -> str:
    prefix = os.environ.get(PREFIX, "")
    if not as_json:
        return "\n".join(acls.commands(prefix, users))
    found = [one._asdict() for client in Client for one in acls.acls(client, prefix, users)]
    return json.dumps(found, indent=2)


async def _on_cluster(action: str, replication: int) -> int:
    settings = settings_of(Role.TOPICS, TopicsSettings).kafka
    try:
        if action == "apply":
            created = await topics.apply(settings, replication)
            say("created: " + (", ".join(created) or "nothing, all are there"))
            return OK
        return _compared(settings, await facts.look(settings), replication)
    except OSError as error:  # a file of certificates that is not there
        raise UnreachableError(type(error).__name__) from None


def _compared(settings: Kafka, found: facts.Facts, replication: int) -> int:
    missing = topics.missing(settings, found)
    say("missing: " + (", ".join(missing) or "none"))
    different = topics.differences(settings, found, replication)
    for line in different:
        say(f"differs: {line}")
    return FOUND_WRONG if missing or different else OK
