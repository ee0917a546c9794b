"""The grammar of the command line: ``metriport-ias ROLE …``. What each tool takes stands beside the tool."""

import argparse
from typing import Any, Final, NamedTuple

from consumers import reencrypt
from consumers.auditing import tool as auditing
from consumers.command_line import FOUND_WRONG, OK, teach
from consumers.dead_letters import tool as dead_letters
from consumers.dispatching import tool as dispatching
from consumers.doctor import tool as doctor
from consumers.flow import tool as flow
from consumers.kafka_setup import tool as kafka_setup
from consumers.observing import tool as observing
from consumers.replaying import tool as replaying
from consumers.webhook_setup import tool as webhook_setup

_STOPPED: Final = "it was told to stop, and finished what it had in hand"
_DIED: Final = "a part of it died, or the database is too old, too new or another environment's"
_SERVES: Final = (
    "It answers /livez, /readyz and /metrics on INTERNAL_PORT, and stops in good order on SIGTERM."
)


class Plain(NamedTuple):
    """A command that takes no options."""

    name: str
    help: str
    about: str
    ok: str = _STOPPED
    wrong: str | None = _DIED


PLAIN: Final = (
    Plain(
        "ingress",
        "take webhooks and browsers in",
        "Takes Metriport's webhooks and people's browsers, and publishes what came. " + _SERVES,
    ),
    Plain(
        "consumers",
        "handle commands, webhooks and callbacks; relay events",
        "Handles commands, webhooks and callbacks, each once, and relays events to Kafka. "
        + _SERVES,
    ),
    Plain(
        "gateway",
        "call Metriport's API",
        "Makes the calls to Metriport that are due, and asks for what was not delivered. "
        + _SERVES,
    ),
    Plain(
        "all",
        "the three of them in one process, for development",
        "Runs ingress, consumers and gateway in one process, with every secret: for development alone.",
    ),
    Plain(
        "migrate",
        "bring the database to the newest shape",
        "Brings the database to the newest shape, in one transaction; one that has it is left as it is. "
        "Needs MIGRATION_DATABASE_URL, whose login owns the tables and may create roles. Run it before new processes start.",
        "the database has the newest shape",
        "nothing was changed: the database cannot be used, or a table was in use for too long; run it again",
    ),
    Plain(
        "keys",
        "print a fresh set of keys, as NAME=value lines",
        "Prints a fresh set of keys as NAME=value lines. They are secrets: send them to a file or a secret store.",
        "they were printed",
        None,
    ),
    Plain(
        "settings",
        "print every setting, its roles, default and meaning",
        "Prints every setting with its roles, default, values and meaning, as the table of the README.",
        "they were printed",
        None,
    ),
)


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    root = argparse.ArgumentParser(
        prog="metriport-ias",
        description="A person's own medical records through Metriport's Individual Access Services.",
        epilog="Settings come from the environment; the README lists them.",
    )
    roles = root.add_subparsers(dest="role", required=True, metavar="ROLE")
    for one in PLAIN:
        _add_plain(roles, one)
    _add_tools(roles)
    return root


def _add_plain(roles: Any, one: Plain) -> None:  # noqa: ANN401 - argparse has no public name for it
    ends = {OK: one.ok} if one.wrong is None else {OK: one.ok, FOUND_WRONG: one.wrong}
    added = roles.add_parser(one.name, help=one.help)
    teach(added, one.about, example=f"metriport-ias {one.name}", ends=ends)


def _add_tools(roles: Any) -> None:  # noqa: ANN401 - as above
    for name, tool, meaning in (
        ("doctor", doctor, "look whether everything is as it has to be"),
        ("audit", auditing, "check, export or archive the audit"),
        ("dispatch", dispatching, "tell, pause or resume the calls to Metriport"),
        ("reencrypt", reencrypt, "bring everything at rest under the newest keys"),
        ("flow", flow, "one command, patient or subject as a timeline"),
        ("observe", observing, "what Metriport really sends, beside what is assumed"),
        ("dead-letters", dead_letters, "what could not be acted on: list, show, replay"),
        ("topics", kafka_setup, "set up or check the Kafka topics; who may do what"),
    ):
        tool.add_arguments(roles.add_parser(name, help=meaning))
    webhooks = roles.add_parser(
        "webhooks",
        aliases=["webhook"],
        help="set up Metriport's webhook, rotate its key, handle webhooks once more",
    )
    replaying.add_arguments(webhook_setup.add_arguments(webhooks))
