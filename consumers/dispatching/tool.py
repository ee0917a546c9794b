"""The command line of ``metriport-ias dispatch``.

Exit codes: 0 done (``status``: calls go out), 1 not (``status``: they do not), 2 settings are wrong.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Final

from consumers.auditing import published
from consumers.dispatching import report
from consumers.reaching import postgres
from schemas.events import AuditHeadPublished
from service.gateway.failover import resuming
from service.settings.failover import DispatchSettings
from service.settings.roles import Role, TopicsSettings, load
from service.store.dispatch_stop import Why
from service.store.pool import Database
from service.store.unit import Vault

OK: Final = 0
NOT: Final = 1
KAFKA: Final = "kafka"

_ABOUT: Final = (
    "Calls to Metriport stop by themselves when our key is refused (that ends by itself) and when Postgres was"
    " failed over or restored (that waits for you): a commit that was lost may be the mark of a query that"
    " Metriport has accepted, and it would be sent twice. Commands and webhooks are taken all the while."
    " Needs DATABASE_URL and ENCRYPTION_KEYS, as the gateway does. The runbook is in deploy/README.md."
)
_RESUME: Final = (
    "Without --nothing-lost every network query that was not sent, as far as this database knows, is told as"
    " NetworkQueryOutcomeUnknown and is not sent: it may have been. A webhook proves it later if so. Run it"
    " when the consumers have caught up: a command that they handle once more has to be there. Killed, it can"
    " be run again. After a mere pause nothing is changed."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The grammar of the command."""
    parser.description = _ABOUT
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    status = actions.add_parser("status", help="tell whether calls go out, and if not why")
    resume = actions.add_parser("resume", help="let calls out again", description=_RESUME)
    resume.add_argument(
        "--nothing-lost",
        action="store_true",
        help="you know that no commit is lost (synchronous standby, planned switch): leave queries due",
    )
    pause = actions.add_parser("pause", help="stop calls until `resume`")
    pause.add_argument(
        "--restored",
        action="store_true",
        help="this database was restored: `resume` has to make safe what may have been sent",
    )
    for one in (status, resume):
        one.add_argument(
            "--heads",
            metavar=f"FILE|{KAFKA}",
            help="published heads of the audit, as for `audit verify`: they may prove that commits are lost",
        )
    for one in (status, resume, pause):
        one.add_argument("--json", action="store_true", help="print one JSON object")


async def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code.

    Raises:
        SettingsError: what is missing or wrong.
        NotResumedError: calls stay stopped.
        UnreadableHeadsError: the given heads are none.
        ToolError: the database cannot be used.
    """
    settings = load(Role.DISPATCH, os.environ)
    if not isinstance(settings, DispatchSettings):
        return NOT
    vault = Vault(settings.at_rest.keys)
    heads = await _heads(getattr(options, "heads", None))
    async with postgres(settings.database, vault) as database:
        match options.action:
            case "status":
                return await _status(database, heads, as_json=options.json)
            case "pause":
                return await _pause(database, restored=options.restored, as_json=options.json)
            case _:
                return await _resume(database, heads, options)


async def _heads(source: str | None) -> list[AuditHeadPublished] | None:
    if source is None:
        return None
    if source != KAFKA:
        return published.from_file(Path(source))
    settings = load(Role.TOPICS, os.environ)
    return (
        await published.from_kafka(settings.kafka) if isinstance(settings, TopicsSettings) else None
    )


async def _status(
    database: Database, heads: list[AuditHeadPublished] | None, *, as_json: bool
) -> int:
    found = await report.look(database, heads)
    _print(found.as_json() if as_json else found.as_text())
    return OK if found.may_go_out else NOT


async def _pause(database: Database, *, restored: bool, as_json: bool) -> int:
    news = await resuming.pause(database, Why.DATABASE_CHANGED if restored else Why.PAUSED)
    text = "paused" if news else "was stopped already"
    _print(json.dumps({"paused": True, "news": news}) if as_json else text)
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
    _print(json.dumps(told) if options.json else text)
    return OK


def _print(line: str) -> None:
    print(line)  # noqa: T201 - the output of a command
