"""The command line of ``metriport-ias flow``."""

import argparse
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from consumers.command_line import (
    FOUND_WRONG,
    OK,
    ToolError,
    add_json,
    add_since,
    say,
    say_json,
    settings_of,
    teach,
    unheard,
)
from consumers.flow.timeline import Line, as_text, event_fields, in_order, of_command
from consumers.reaching import postgres
from consumers.reading import kind_of
from schemas.ids import CommandId, PatientId, SubjectId
from schemas.topics import Topic
from service.bus.reading import UnreadableTopicError, read
from service.bus.received import Received
from service.settings.roles import Role
from service.settings.tools import ToolsSettings
from service.store import flow
from service.store.flow import Step
from service.store.pool import Database
from service.store.unit import Vault

_ABOUT: Final = (
    "Tells everything about one command, patient or subject in the order in which it happened: commands, states "
    "as they are now, calls to Metriport with their outcomes, webhooks, events, audit entries. Secrets and "
    "demographics are never read, so none can be shown. Events and webhooks are those that Kafka still has. "
    "Needs DATABASE_URL, ENCRYPTION_KEYS and the settings of Kafka: run it where the consumers run."
)


class Timeline(msgspec.Struct, frozen=True):
    """Everything that was found, oldest first."""

    subjects: list[str]
    lines: list[Line]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The grammar of the command."""
    parser.description = _ABOUT
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="tell one command, patient or subject as a timeline")
    teach(
        show,
        _ABOUT,
        example="metriport-ias flow show --command 6f1c0f52-2f0d-4a53-9f0e-0a4c4f0b8a11",
        ends={
            OK: "something was found",
            FOUND_WRONG: "there is no such command, patient or subject",
        },
    )
    whose = show.add_mutually_exclusive_group(required=True)
    whose.add_argument("--command", type=UUID, metavar="COMMAND_ID", help="one commandId")
    whose.add_argument("--patient", metavar="PATIENT_ID", help="everybody linked to this patient")
    whose.add_argument("--subject", metavar="SUBJECT_ID", help="one subjectId")
    add_since(show)
    show.add_argument(
        "--no-kafka",
        action="store_true",
        help="leave events and webhooks out: quick on large topics",
    )
    add_json(show)


async def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code.

    Raises:
        SettingsError: what is missing or wrong.
        ToolError: nothing was found, or the database or Kafka is away.
    """
    settings = settings_of(Role.TOOLS, ToolsSettings)
    vault = Vault(settings.at_rest.keys)
    try:
        async with postgres(settings.database, vault) as database:
            told = await _timeline(database, settings, options)
    except UnreadableTopicError as error:
        raise ToolError(f"{unheard(str(error))}, or leave it out with --no-kafka") from None
    if options.json:
        say_json(told)
    else:
        say("\n".join([f"subjects: {', '.join(told.subjects)}", *map(as_text, told.lines)]))
    return OK


async def _timeline(
    database: Database, settings: ToolsSettings, options: argparse.Namespace
) -> Timeline:
    who = await _subjects(database, options)
    if not who:
        raise ToolError("there is no such command, patient or subject, or it was erased")
    steps = {one: await _stored(database, one, options.since) for one in who}
    if not options.no_kafka:
        await _heard(settings, steps, options.since)
    lines = [
        line
        for subject_id, found in steps.items()
        for line in in_order(subject_id, found, options.since)
    ]
    if options.command is not None:
        lines = of_command(lines, str(options.command))
    return Timeline(list(who), sorted(lines, key=lambda line: line.at))


async def _subjects(database: Database, options: argparse.Namespace) -> list[SubjectId]:
    async with database.transaction() as unit:
        if options.command is not None:
            return await flow.subjects_of_command(unit, CommandId(options.command))
        if options.patient is not None:
            return await flow.subjects_of_patient(unit, PatientId(options.patient))
        subject_id = SubjectId(options.subject)
        return [subject_id] if await flow.is_there(unit, subject_id) else []


async def _stored(database: Database, subject_id: SubjectId, since: datetime | None) -> list[Step]:
    async with database.connection() as connection, database.transaction() as unit:
        found = await flow.steps(unit, subject_id)
        first = since or min((step.at for step in found), default=unit.now)
        return found + await flow.audited(
            unit, connection, subject_id, first, datetime(9999, 1, 1, tzinfo=UTC)
        )


async def _heard(
    settings: ToolsSettings, steps: dict[SubjectId, list[Step]], since: datetime | None
) -> None:
    """Add the events of these subjects and the webhooks of their patients."""
    first = since or min((step.at for found in steps.values() for step in found), default=None)
    async for record in read(settings.kafka, Topic.EVENTS, first):
        whose = SubjectId((record.key or b"").decode(errors="replace"))
        if whose in steps:
            steps[whose].append(_event(record))
    patients = {
        step.fields["patient_id"]: subject_id
        for subject_id, found in steps.items()
        for step in found
        if step.kind == "link"
    }
    async for record in read(settings.kafka, Topic.WEBHOOKS, first):
        owner = patients.get((record.key or b"").decode(errors="replace"))
        if owner is not None:
            steps[owner].append(_webhook(record))


def _event(record: Received) -> Step:
    content: Any = msgspec.json.decode(record.value or b"{}")
    fields = event_fields(content) if isinstance(content, dict) else {}
    kind = record.text("ce_type").removeprefix("ias.event.")
    return Step(record.written_at, "event", kind, fields)


def _webhook(record: Received) -> Step:
    """Its headers alone: the type as far as it is known, and the message's id."""
    shown = kind_of(record).message_type.removeprefix("metriport.")
    return Step(record.written_at, "webhook", shown, {"message_id": record.text("ce_id")})
