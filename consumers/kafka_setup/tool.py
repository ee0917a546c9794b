"""The command line of ``metriport-ias topics``.

``acls`` and ``strimzi`` only print: they need no broker, and of the settings KAFKA_TOPIC_PREFIX alone.
"""

import argparse
import json
import os
from typing import Final

from consumers.command_line import FOUND_WRONG, OK, add_json, say, say_json, settings_of, teach
from schemas.access import Client
from service.bus import acls, facts, strimzi, topics
from service.bus.facts import UnreachableError
from service.settings.roles import Role, TopicsSettings

PREFIX: Final = "KAFKA_TOPIC_PREFIX"

_ABOUT: Final = (
    "The topics of the contract, and who may do what on them. `apply` and `check` need the settings of Kafka; `acls` "
    "and `strimzi` only print, for other tools."
)
_APPLY: Final = (
    "Creates the topics that are missing. It changes none that is there: `topics check` tells how those differ. "
    "It can be run again, and beside another one of its kind."
)
_CHECK: Final = "Tells which topics are missing, and how those that are there differ from the contract. It changes nothing."
_ACLS: Final = (
    "Prints who may do what, as calls of kafka-acls.sh; add --bootstrap-server and --command-config to each. A login is --users"
    " and the client's name: metriport-ias-ingress, metriport-ias-application and so on."
)
_STRIMZI: Final = "Prints KafkaTopic and KafkaUser resources as YAML, for `kubectl apply -f -` in the namespace of the Kafka cluster."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The grammar of the command."""
    parser.description = _ABOUT
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    apply = actions.add_parser("apply", help="create the topics that are missing")
    check = actions.add_parser("check", help="tell what is missing or differs from the map")
    granted = actions.add_parser("acls", help="print who may do what")
    made = actions.add_parser("strimzi", help="print Strimzi's resources")
    _teach(apply, check, granted, made)
    for one in (apply, check, granted):
        add_json(one)
    made.add_argument("--cluster", default="metriport", help="name of the Kafka resource")
    for one in (granted, made):
        one.add_argument("--users", default=acls.USERS, help="begins every login (%(default)s)")
    for one in (apply, check, made):
        one.add_argument("--replication", type=int, default=3, help="replicas of a topic (3)")


def _teach(
    apply: argparse.ArgumentParser,
    check: argparse.ArgumentParser,
    granted: argparse.ArgumentParser,
    made: argparse.ArgumentParser,
) -> None:
    teach(
        apply,
        _APPLY,
        example="metriport-ias topics apply --replication 3",
        ends={OK: "every topic is there", FOUND_WRONG: "not every one, or Kafka cannot be used"},
    )
    teach(
        check,
        _CHECK,
        example="metriport-ias topics check --json",
        ends={
            OK: "all is as it should be",
            FOUND_WRONG: "something is missing or differs, or Kafka cannot be used",
        },
    )
    printed = {OK: "it was printed"}
    teach(granted, _ACLS, example="metriport-ias topics acls --json", ends=printed)
    teach(made, _STRIMZI, example="metriport-ias topics strimzi --cluster metriport", ends=printed)


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
            return await _on_cluster(action, options.replication, as_json=options.json)
    say(text.rstrip("\n"))
    return OK


def _granted(users: str, *, as_json: bool) -> str:
    prefix = os.environ.get(PREFIX, "")
    if not as_json:
        return "\n".join(acls.commands(prefix, users))
    found = [one._asdict() for client in Client for one in acls.acls(client, prefix, users)]
    return json.dumps(found, indent=2)


async def _on_cluster(action: str, replication: int, *, as_json: bool) -> int:
    settings = settings_of(Role.TOPICS, TopicsSettings).kafka
    try:
        if action == "apply":
            return _created(await topics.apply(settings, replication), as_json=as_json)
        found = await facts.look(settings)
    except OSError as error:  # a file of certificates that is not there
        raise UnreachableError(type(error).__name__) from None
    missing = topics.missing(settings, found)
    return _compared(missing, topics.differences(settings, found, replication), as_json=as_json)


def _created(created: list[str], *, as_json: bool) -> int:
    if as_json:
        say_json({"created": created})
    else:
        say("created: " + (", ".join(created) or "nothing, all are there"))
    return OK


def _compared(missing: list[str], different: list[str], *, as_json: bool) -> int:
    if as_json:
        say_json({"missing": missing, "differences": different})
    else:
        lines = [f"differs: {line}" for line in different]
        say("\n".join(["missing: " + (", ".join(missing) or "none"), *lines]))
    return FOUND_WRONG if missing or different else OK
