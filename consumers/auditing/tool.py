"""``metriport-ias audit …``: check the audit, export it, tell how far it goes.

Exit codes: 0 in order, 1 broken (or nothing to tell), 2 settings or arguments are wrong.
"""

import argparse
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

from consumers.auditing import fhir, published, verification
from consumers.auditing.verification import Report
from consumers.reaching import postgres
from schemas.events import AuditHeadPublished
from schemas.ids import SubjectId
from service.crypto.signing import SignatureCheck
from service.ias import audit as rules
from service.ias.audit_check import MEANINGS
from service.settings.roles import AuditSettings, Role, TopicsSettings, load
from service.store import audit_entries, subjects
from service.store import audit_reading as audit
from service.store.pool import Database
from service.store.unit import Vault

OK: Final = 0
BROKEN: Final = 1
KAFKA: Final = "kafka"
_FOR_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


class UnknownSubjectError(Exception):
    """There is no such subject, or not any more: then nothing leads to its entries."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The grammar of ``metriport-ias audit``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser("verify", help="check every entry, link, signature and head")
    verify.add_argument(
        "--heads",
        default=None,
        metavar=f"FILE|{KAFKA}",
        help="published heads: JSON lines of AuditHeadPublished, or read from the events' topic",
    )
    export = actions.add_parser("export", help="print entries as FHIR R4 AuditEvent JSON lines")
    export.add_argument("--from", dest="begin", type=date.fromisoformat, help="first day (UTC)")
    export.add_argument("--to", dest="end", type=date.fromisoformat, help="day after the last")
    export.add_argument("--subject", help="one subjectId's entries; needs ENCRYPTION_KEYS")
    actions.add_parser("head", help="print the newest published head as a JSON line")
    actions.add_parser("expired", help="print SQL that drops months whose retention is over")


async def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code.

    Raises:
        SettingsError: what is missing or wrong.
        UnknownSubjectError: nobody has that subject id.
        UnreadableHeadsError: the given heads are none.
        ToolError: the database cannot be used.
    """
    settings = load(Role.AUDIT, os.environ)
    if not isinstance(settings, AuditSettings):
        return BROKEN
    vault = Vault(settings.auditing.keys)
    heads = await _published(options.heads) if options.action == "verify" else []
    async with postgres(settings.database, vault, checked=False) as database:
        match options.action:
            case "verify":
                return await _verify(database, settings, heads)
            case "export":
                return await _export(database, options)
            case "head":
                return await _head(database)
            case _:
                return await _expired(database, settings.auditing.retention_months)


async def _published(source: str | None) -> list[AuditHeadPublished]:
    if source is None:
        return []
    if source != KAFKA:
        return published.from_file(Path(source))
    settings = load(Role.TOPICS, os.environ)
    if not isinstance(settings, TopicsSettings):
        return []
    return await published.from_kafka(settings.kafka)


async def _verify(
    database: Database, settings: AuditSettings, heads: Sequence[AuditHeadPublished]
) -> int:
    check = SignatureCheck(settings.auditing.public_keys)
    months = settings.auditing.retention_months
    async with database.connection() as connection:
        report = await verification.verify(connection, check, months, heads)
    _print(summary(report, len(heads)))
    return OK if report.broken is None else BROKEN


def summary(report: Report, given: int) -> str:
    """What was checked, and the first break if there is one."""
    skipped = f", {report.heads_skipped} before the first" if report.heads_skipped else ""
    checked = (
        f"entries checked: {report.entries} (numbers {report.first} to {report.last}); "
        f"heads and checkpoints matched: {report.heads_matched}{skipped}; heads given: {given}"
        if report.entries
        else f"entries checked: none; heads given: {given}"
    )
    if report.broken is None:
        return f"{checked}\nin order"
    number, kind = report.broken
    missed = f" ({report.never_chained} entries)" if report.never_chained else ""
    return f"{checked}\nbroken at number {number}: {kind.value}: {MEANINGS[kind]}{missed}"


async def _export(database: Database, options: argparse.Namespace) -> int:
    begin = audit.BEGINNING if options.begin is None else _midnight(options.begin)
    end = _FOR_EVER if options.end is None else _midnight(options.end)
    reference = None
    if options.subject is not None:
        reference = await _reference(database, SubjectId(options.subject))
    async with database.connection() as connection:
        async for entry in audit.entries(connection, begin, end, reference):
            _print(fhir.line(entry, options.subject))
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
        return BROKEN
    _print(verification.as_line(newest))
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
            _print(f"drop table {name};")
    return OK


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _print(line: str) -> None:
    print(line)  # noqa: T201 - the output of a command
