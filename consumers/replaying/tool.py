"""The command line of ``metriport-ias webhooks replay``."""

import argparse
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from consumers.acting import inbox_name
from consumers.command_line import (
    FOUND_WRONG,
    OK,
    add_json,
    add_since,
    add_until,
    say,
    say_json,
    settings_of,
    teach,
)
from consumers.reading import RejectedError, Webhook, kind_of
from consumers.replaying.again import Again, Result, open_again
from schemas.metriport.webhooks import KNOWN_TYPES
from schemas.reasons import Reason
from schemas.topics import Topic
from service.bus.reading import read
from service.bus.received import Received
from service.settings.groups import Kafka
from service.settings.roles import ConsumersSettings, Role
from service.store import inbox

NEW: Final = "new"
_ABOUT: Final = (
    "Handles webhooks once more that are still on metriport.webhooks.v1 (7 days): after a restored database, a "
    "fixed handler, or a key that came late. Each takes the normal path: its signature is verified, it is opened, "
    "and what the inbox knows already changes nothing, so it is safe to replay too much. Needs the consumers' "
    "settings: run it where they run. Nothing is published for other readers of the topic."
)


class Bad(msgspec.Struct, frozen=True):
    """One that was refused or failed: where it is, and why."""

    partition: int
    offset: int
    type: str
    result: str
    reason: Reason


class Counts(msgspec.Struct, frozen=True):
    """What became of the webhooks, by result and by type."""

    dry_run: bool
    webhooks: int
    results: dict[str, int]
    types: dict[str, int]
    bad: list[Bad]


def add_arguments(actions: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """The grammar of the command, below ``webhooks``."""
    parser = actions.add_parser("replay", help="handle webhooks of the raw topic once more")
    teach(
        parser,
        _ABOUT,
        example="metriport-ias webhooks replay --since 2h --type network-query.hie --dry-run",
        ends={
            OK: "every one was handled, or had been",
            FOUND_WRONG: "at least one was refused or failed; see its reason and the log",
        },
    )
    add_since(parser, "from when on, by the broker's clock", required=True)
    add_until(parser)
    parser.add_argument(
        "--type",
        dest="types",
        action="append",
        choices=sorted(KNOWN_TYPES),
        metavar="TYPE",
        help="only of this type, as network-query.hie (repeatable)",
    )
    parser.add_argument("--patient", metavar="PATIENT_ID", help="only about this patient")
    parser.add_argument(
        "--dry-run", action="store_true", help="count which are new to the inbox, change nothing"
    )
    add_json(parser)


async def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code.

    Raises:
        SettingsError: what is missing or wrong.
        ToolError: the database cannot be used.
        UnreadableTopicError: Kafka cannot be used.
    """
    settings = settings_of(Role.CONSUMERS, ConsumersSettings)
    results, types, bad = Counter[str](), Counter[str](), list[Bad]()
    async with open_again(settings) as again:
        async for record in chosen(settings.kafka, options):
            result, reason = await _one(again, record, dry_run=options.dry_run)
            types[_type(record)] += 1
            results[result] += 1
            if reason is not None:
                bad.append(_bad(record, result, reason))
    counts = Counts(options.dry_run, types.total(), dict(results), dict(types), bad)
    if options.json:
        say_json(counts)
    else:
        say(as_text(counts))
    return FOUND_WRONG if bad else OK


async def chosen(settings: Kafka, options: argparse.Namespace) -> AsyncIterator[Received]:
    """The webhooks that were asked for. The header's type only sorts: what is signed decides later."""
    async for record in read(settings, Topic.WEBHOOKS, options.since):
        if options.until is not None and record.written_at >= options.until:
            continue
        if options.types and _type(record) not in options.types:
            continue
        if options.patient is not None and not _is_about(record, options.patient):
            continue
        yield record


async def _one(again: Again, record: Received, *, dry_run: bool) -> tuple[str, Reason | None]:
    if not dry_run:
        outcome = await again.handle(record)
        return outcome.result.value, outcome.reason
    try:
        message = await again.read(record)
    except RejectedError as error:
        return Result.REFUSED.value, error.reason
    assert isinstance(message, Webhook)  # noqa: S101 - nothing else is on this topic
    async with again.database.transaction() as unit:
        known = await inbox.is_known(unit, *inbox_name(message))
    return (Result.REPEATED.value if known else NEW), None


def as_text(counts: Counts) -> str:
    """The counts for a person."""
    listed = ", ".join(f"{count} {word}" for word, count in sorted(counts.results.items()))
    types = ", ".join(f"{count} {word}" for word, count in sorted(counts.types.items()))
    head = "would handle" if counts.dry_run else "done"
    bad = "".join(
        f"\n{one.result}: partition {one.partition} offset {one.offset} {one.type}: {one.reason.value}"
        for one in counts.bad
    )
    return f"{head}: {counts.webhooks} webhooks: {listed or 'none'}\ntypes: {types or 'none'}{bad}"


def _is_about(record: Received, patient_id: str) -> bool:
    name = patient_id.encode()
    return name in (record.key, record.header("ce_subject"))


def _type(record: Received) -> str:
    return kind_of(record).message_type.removeprefix("metriport.")


def _bad(record: Received, result: str, reason: Reason) -> Bad:
    return Bad(record.partition, record.offset, _type(record), result, reason)
