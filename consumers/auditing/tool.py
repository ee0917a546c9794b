"""``metriport-ias audit …``: check the audit, export it, tell how far it goes."""

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Final

from consumers.auditing import fhir, published, verification
from consumers.auditing.summary import as_text, checked
from consumers.command_line import FOUND_WRONG, OK, add_json, say, say_json, settings_of, teach
from consumers.reaching import postgres
from schemas.events import AuditHeadPublished
from schemas.ids import SubjectId
from service.crypto.signing import SignatureCheck
from service.ias import audit as rules
from service.settings.roles import AuditSettings, Role
from service.store import audit_entries, subjects
from service.store import audit_reading as audit
from service.store.pool import Database
from service.store.unit import Vault

_FOR_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)

_ABOUT: Final = (
    "What the service does with identities, sessions, queries, links and keys is recorded, numbered, chained and "
    "signed. Needs DATABASE_URL and AUDIT_PUBLIC_KEYS."
)
_VERIFY: Final = (
    "Checks every entry, link, signature and head, and names the first that is wrong. Without --heads a cut-off end "
    "cannot be seen: give heads that were published, from a place that the database's owner cannot change."
)
_EXPORT: Final = (
    "Prints entries as FHIR R4 AuditEvent, one JSON document a line, oldest first. Subjects are told by reference "
    "alone; with ENCRYPTION_KEYS one subject's can be asked for by name."
)
_HEAD: Final = (
    "Prints the newest published head as a JSON line, as `audit verify --heads FILE` reads it: put it aside, outside "
    "of this database."
)
_EXPIRED: Final = (
    "Prints the SQL that drops months which are closed by a checkpoint and older than AUDIT_RETENTION_MONTHS; the "
    "tables' owner runs it, after an export. It drops nothing itself."
)


class UnknownSubjectError(Exception):
    """There is no such subject, or not any more: then nothing leads to its entries."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The grammar of ``metriport-ias audit``."""
    parser.description = _ABOUT
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_verify(actions.add_parser("verify", help="check every entry, link, signature and head"))
    _add_export(actions.add_parser("export", help="print entries as FHIR R4 AuditEvent JSON lines"))
    teach(
        actions.add_parser("head", help="print the newest published head as a JSON line"),
        _HEAD,
        example="metriport-ias audit head",
        ends={OK: "it was printed", FOUND_WRONG: "there is none yet, or nobody can tell"},
    )
    teach(
        actions.add_parser("expired", help="print SQL that drops months whose retention is over"),
        _EXPIRED,
        example="metriport-ias audit expired",
        ends={OK: "all that may go was printed", FOUND_WRONG: "nobody can tell: see stderr"},
    )


def _add_verify(parser: argparse.ArgumentParser) -> None:
    teach(
        parser,
        _VERIFY,
        example="metriport-ias audit verify --heads kafka",
        ends={OK: "in order", FOUND_WRONG: "broken, or it cannot be checked: stderr says why"},
    )
    parser.add_argument(
        "--heads",
        default=None,
        metavar=f"FILE|{published.KAFKA}",
        help="published heads: JSON lines of AuditHeadPublished, or read from the events' topic",
    )
    add_json(parser)


def _add_export(parser: argparse.ArgumentParser) -> None:
    teach(
        parser,
        _EXPORT,
        example="metriport-ias audit export --from 2026-06-01 --to 2026-07-01",
        ends={OK: "all were printed", FOUND_WRONG: "not all, or there is no such subject"},
    )
    parser.add_argument("--from", dest="begin", type=date.fromisoformat, help="first day (UTC)")
    parser.add_argument("--to", dest="end", type=date.fromisoformat, help="day after the last")
    parser.add_argument("--subject", help="one subjectId's entries; needs ENCRYPTION_KEYS")


async def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code.

    Raises:
        SettingsError: what is missing or wrong.
        UnknownSubjectError: nobody has that subject id.
        UnreadableHeadsError: the given heads are none.
        ToolError: the database cannot be used.
    """
    settings = settings_of(Role.AUDIT, AuditSettings)
    vault = Vault(settings.auditing.keys)
    source = getattr(options, "heads", None)
    heads = [] if source is None else await published.heads_of(source)
    async with postgres(settings.database, vault, checked=False) as database:
        match options.action:
            case "verify":
                return await _verify(database, settings, heads, as_json=options.json)
            case "export":
                return await _export(database, options)
            case "head":
                return await _head(database)
            case _:
                return await _expired(database, settings.auditing.retention_months)


async def _verify(
    database: Database,
    settings: AuditSettings,
    heads: Sequence[AuditHeadPublished],
    *,
    as_json: bool,
) -> int:
    check = SignatureCheck(settings.auditing.public_keys)
    months = settings.auditing.retention_months
    async with database.connection() as connection:
        report = await verification.verify(connection, check, months, heads)
    told = checked(report, len(heads))
    if as_json:
        say_json(told)
    else:
        say(as_text(told))
    return OK if told.in_order else FOUND_WRONG


async def _export(database: Database, options: argparse.Namespace) -> int:
    begin = audit.BEGINNING if options.begin is None else _midnight(options.begin)
    end = _FOR_EVER if options.end is None else _midnight(options.end)
    reference = None
    if options.subject is not None:
        reference = await _reference(database, SubjectId(options.subject))
    async with database.connection() as connection:
        async for entry in audit.entries(connection, begin, end, reference):
            say(fhir.line(entry, options.subject))
    return OK


async def _reference(database: Database, subject_id: SubjectId) -> bytes:
    async with database.transaction() as unit:
        try:
            key = await subjects.data_key(unit, subject_id)
        except LookupError:
            raise UnknownSubjectError("no such subject, or it was erased") from None
        return audit_entries.subject_ref(subject_id, key)


async def _head(database: Database) -> int:
    async with database.connection() as connection:
        newest = await audit.newest_head(connection)
    if newest is None:
        return FOUND_WRONG
    say(verification.as_line(newest))
    return OK


async def _expired(database: Database, retention_months: int) -> int:
    """Months behind a checkpoint, and older than the retention; the owner runs what is printed.

    An entry may be chained in the month after its own, so entries go a month later than links.
    """
    async with database.connection() as connection:
        closed = await audit.checkpoints(connection)
        now = await connection.fetchval("select clock_timestamp()")
        tables = await audit.partitions(connection)
    oldest_kept = rules.months_after(rules.month_of(now), -retention_months)
    for one in closed:
        month = one.checkpoint.month
        if rules.months_after(month, 1) > oldest_kept:
            continue
        before = rules.months_after(month, -1)
        names = (
            f"audit_chain_{month:%Y_%m}",
            f"audit_head_{month:%Y_%m}",
            f"audit_entry_{before:%Y_%m}",
        )
        for name in sorted(tables.intersection(names)):
            say(f"drop table {name};")
    return OK


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
