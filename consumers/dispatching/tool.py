"""The command line of ``metriport-ias dispatch``."""

import argparse
import json
from typing import Final

from consumers.auditing import published
from consumers.command_line import FOUND_WRONG, OK, add_json, say, settings_of, teach
from consumers.dispatching import report
from consumers.reaching import postgres
from schemas.events import AuditHeadPublished
from service.gateway.failover import resuming
from service.settings.failover import DispatchSettings
from service.settings.roles import Role
from service.store.dispatch_stop import Why
from service.store.pool import Database
from service.store.unit import Vault

_ABOUT: Final = (
    "Calls to Metriport stop by themselves when our key is refused (that ends by itself) and when Postgres was"
    " failed over or restored (that waits for you): a commit that was lost may be the mark of a query that"
    " Metriport has accepted, and it would be sent twice. Commands and webhooks are taken all the while."
    " Needs DATABASE_URL and ENCRYPTION_KEYS, as the gateway does. The runbook is in deploy/README.md."
)
_STATUS: Final = (
    "Tells whether calls to Metriport go out, and if not why and since when, and how many network queries wait. "
    "With --heads also whether commits are lost: published heads that this database does not have prove it."
)
_PAUSE: Final = (
    "Stops every call to Metriport until `dispatch resume`; calls that are under way end. Commands and webhooks are "
    "taken all the while. Run it with --restored after a restore, before the first gateway starts."
)
_RESUME: Final = (
    "Lets calls out again. Without --nothing-lost every network query that was not sent, as far as this database knows, is told as"
    " NetworkQueryOutcomeUnknown and is not sent: it may have been. A webhook proves it later if so. Run it"
    " when the consumers have caught up: a command that they handle once more has to be there. Killed, it can"
    " be run again. After a mere pause nothing is changed."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The grammar of the command."""
    parser.description = _ABOUT
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    status = actions.add_parser("status", help="tell whether calls go out, and if not why")
    resume = actions.add_parser("resume", help="let calls out again")
    pause = actions.add_parser("pause", help="stop calls until `resume`")
    teach(
        status,
        _STATUS,
        example="metriport-ias dispatch status --json",
        ends={OK: "calls go out", FOUND_WRONG: "they do not, or nobody can tell"},
    )
    _add_resume(resume)
    _add_pause(pause)
    for one in (status, resume):
        one.add_argument(
            "--heads",
            metavar=f"FILE|{published.KAFKA}",
            help="published heads of the audit, as for `audit verify`: they may prove that commits are lost",
        )
    for one in (status, resume, pause):
        add_json(one)


def _add_resume(parser: argparse.ArgumentParser) -> None:
    teach(
        parser,
        _RESUME,
        example="metriport-ias dispatch resume --heads kafka",
        ends={OK: "nothing stops calls any more", FOUND_WRONG: "they stay stopped: see stderr"},
    )
    parser.add_argument(
        "--nothing-lost",
        action="store_true",
        help="you know that no commit is lost (synchronous standby, planned switch): leave queries due",
    )


def _add_pause(parser: argparse.ArgumentParser) -> None:
    teach(
        parser,
        _PAUSE,
        example="metriport-ias dispatch pause --restored",
        ends={OK: "calls are stopped", FOUND_WRONG: "nobody can tell: see stderr"},
    )
    parser.add_argument(
        "--restored",
        action="store_true",
        help="this database was restored: `resume` has to make safe what may have been sent",
    )


async def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code.

    Raises:
        SettingsError: what is missing or wrong.
        NotResumedError: calls stay stopped.
        UnreadableHeadsError: the given heads are none.
        ToolError: the database cannot be used.
    """
    settings = settings_of(Role.DISPATCH, DispatchSettings)
    vault = Vault(settings.at_rest.keys)
    source = getattr(options, "heads", None)
    heads = None if source is None else await published.heads_of(source)
    async with postgres(settings.database, vault) as database:
        match options.action:
            case "status":
                return await _status(database, heads, as_json=options.json)
            case "pause":
                return await _pause(database, restored=options.restored, as_json=options.json)
            case _:
                return await _resume(database, heads, options)


async def _status(
    database: Database, heads: list[AuditHeadPublished] | None, *, as_json: bool
) -> int:
    found = await report.look(database, heads)
    say(found.as_json() if as_json else found.as_text())
    return OK if found.may_go_out else FOUND_WRONG


async def _pause(database: Database, *, restored: bool, as_json: bool) -> int:
    news = await resuming.pause(database, Why.DATABASE_CHANGED if restored else Why.PAUSED)
    text = "paused" if news else "was stopped already"
    say(json.dumps({"paused": True, "news": news}) if as_json else text)
    return OK


async def _resume(
    database: Database, heads: list[AuditHeadPublished] | None, options: argparse.Namespace
) -> int:
    found = await report.look(database, heads)
    doubted = await resuming.resume(
        database, nothing_lost=options.nothing_lost, loss_proven=bool(found.lost_heads)
    )
    text = f"calls go out again; queries of unknown outcome now: {doubted}"
    if doubted is None:
        text = "nothing was stopped"
    told = {"resumed": doubted is not None, "unknown_queries": doubted or 0}
    say(json.dumps(told) if options.json else text)
    return OK
