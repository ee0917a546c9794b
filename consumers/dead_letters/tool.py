"""The command line of ``metriport-ias dead-letters``."""

import argparse
from typing import Any, Final

import msgspec

from consumers.command_line import (
    FOUND_WRONG,
    OK,
    ToolError,
    add_json,
    add_since,
    add_until,
    say,
    say_json,
    settings_of,
    teach,
)
from consumers.dead_letters.letters import (
    Letter,
    Told,
    is_replayable,
    letters,
    opened,
    original,
    told,
)
from consumers.dead_letters.masking import shown_fields
from consumers.replaying.again import Again, Result, open_again
from schemas.reasons import REMEDIES, Reason
from service.assumed.shapes import shape_of_bytes
from service.bus.reading import open_places
from service.bus.received import Received
from service.crypto.sealing import Opener
from service.settings.roles import ConsumersSettings, Role
from service.settings.tools import ToolsSettings

GONE: Final = "gone"
"""Its topic does not have the record any more, or it never was one (unreadable at the door, parked)."""
THERE: Final = "there"
_WELL: Final = (Result.HANDLED.value, Result.REPEATED.value, THERE)

_ABOUT: Final = (
    "Messages that could not be acted on are put aside on ias.dead-letters.v1 (90 days), sealed, with a reason "
    "from the closed list of schemas/REASONS.md. Look at them, and once what was wrong is mended handle them again."
)
_LIST: Final = "Lists dead letters, oldest first within a partition. Nothing is opened."
_SHOW: Final = (
    "Tells one dead letter: where it comes from, what helps, and the shape of its content (paths and types). "
    "--content adds its fields: ids, times and closed words as they are, of everything else the type. Needs SEALING_PRIVATE_KEYS."
)
_REPLAY: Final = (
    "Handles the records once more that these letters were made of, through the normal path: verified, opened, "
    "deduplicated. The records are taken from their own topics, where commands and webhooks stay for 7 days and "
    "callbacks for one; what is gone there is told as gone. Needs the consumers' settings."
)


class Shown(msgspec.Struct, frozen=True):
    """One letter in full."""

    letter: Told
    remedy: str
    opens: bool
    bytes: int
    shape: dict[str, tuple[str, ...]]
    content: Any = None


class Replayed(msgspec.Struct, frozen=True):
    """What became of one letter's record."""

    id: str
    result: str
    reason: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The grammar of the command."""
    parser.description = _ABOUT
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="list them, by reason and time")
    teach(
        listed,
        _LIST,
        example="metriport-ias dead-letters list --since 1d --reason handler_failed",
        ends={OK: "there is none", FOUND_WRONG: "there is at least one"},
    )
    _choice(listed)
    shown = actions.add_parser("show", help="tell one, with the shape of its content")
    teach(
        shown,
        _SHOW,
        example="metriport-ias dead-letters show 5c1f6c2e-7d0b-4b5e-9d8e-1f2a3b4c5d6e --content",
        ends={OK: "it was found and opens", FOUND_WRONG: "it was not found, or does not open"},
    )
    shown.add_argument("id", help="as `list` tells it")
    shown.add_argument("--content", action="store_true", help="also its fields, masked")
    replayed = actions.add_parser("replay", help="handle their records once more")
    teach(
        replayed,
        _REPLAY,
        example="metriport-ias dead-letters replay --reason handler_failed --since 2h --dry-run",
        ends={
            OK: "every one took effect, now or before",
            FOUND_WRONG: "at least one is gone, was refused or failed again, or none was found",
        },
    )
    replayed.add_argument("ids", nargs="*", metavar="ID", help="as `list` tells them")
    _choice(replayed)
    replayed.add_argument(
        "--dry-run", action="store_true", help="tell whose records are still there, change nothing"
    )
    for one in (listed, shown, replayed):
        add_json(one)


def _choice(parser: argparse.ArgumentParser) -> None:
    reasons = [reason.value for reason in Reason]
    parser.add_argument("--reason", choices=reasons, metavar="REASON", help="only with this reason")
    add_since(parser)
    add_until(parser)
    parser.set_defaults(usage_of=parser)


async def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code.

    Raises:
        SettingsError: what is missing or wrong.
        ToolError: there is no such letter, or the database cannot be used.
        UnreadableTopicError: Kafka cannot be used.
    """
    match options.action:
        case "list":
            return await _list(options)
        case "show":
            return await _show(options)
        case _:
            return await _replay(options)


async def _list(options: argparse.Namespace) -> int:
    settings = settings_of(Role.TOOLS, ToolsSettings)
    found = [
        told(one) async for one in letters(settings.kafka, options.since) if _fits(one, options)
    ]
    if options.json:
        say_json(found)
    else:
        say("\n".join([*map(_line, found), f"{len(found)} dead letters"]))
    return FOUND_WRONG if found else OK


async def _show(options: argparse.Namespace) -> int:
    settings = settings_of(Role.TOOLS, ToolsSettings)
    opener = Opener(settings.opening.private_keys.reveal())
    async for one in letters(settings.kafka, None):
        if one.id == options.id:
            shown = _shown(opener, one, content=options.content)
            if options.json:
                say_json(shown)
            else:
                say(_page(shown))
            return OK if shown.opens else FOUND_WRONG
    raise ToolError("there is no such dead letter: `dead-letters list` tells which there are")


async def _replay(options: argparse.Namespace) -> int:
    if not options.ids and options.reason is None and options.since is None:
        options.usage_of.error("say which: ids, --reason or --since")
    settings = settings_of(Role.CONSUMERS, ConsumersSettings)
    opener = Opener(settings.opening.private_keys.reveal())
    chosen = [one async for one in letters(settings.kafka, options.since) if _fits(one, options)]
    async with open_again(settings) as again, open_places(settings.kafka) as places:
        done = []
        for one in chosen:
            record = await original(places, opener, one) if is_replayable(one) else None
            done.append(await _one(again, one, record, dry_run=options.dry_run))
    if options.json:
        say_json(done)
    else:
        say("\n".join([*map(_result, done), f"{len(done)} dead letters"]))
    found = {one.id for one in done}
    missing = [name for name in options.ids if name not in found]
    if missing:
        raise ToolError(f"there is no such dead letter: {', '.join(missing)}")
    return OK if done and all(one.result in _WELL for one in done) else FOUND_WRONG


async def _one(again: Again, one: Letter, record: Received | None, *, dry_run: bool) -> Replayed:
    if record is None:
        return Replayed(one.id, GONE)
    if dry_run:
        return Replayed(one.id, THERE)
    outcome = await again.handle(record)
    return Replayed(one.id, outcome.result.value, outcome.reason and outcome.reason.value)


def _fits(one: Letter, options: argparse.Namespace) -> bool:
    letter, ids = one.letter, getattr(options, "ids", [])
    return (
        (not ids or one.id in ids)
        and (options.reason is None or letter.reason == options.reason)
        and (options.until is None or letter.received_at < options.until)
    )


def _shown(opener: Opener, one: Letter, *, content: bool) -> Shown:
    inner = opened(opener, one)
    return Shown(
        told(one),
        REMEDIES[one.letter.reason],
        inner is not None,
        len(inner or b""),
        dict(shape_of_bytes(inner or b"")),
        shown_fields(inner) if content and inner is not None else None,
    )


def _line(one: Told) -> str:
    place = "at the door" if one.partition is None else f"{one.partition}/{one.offset}"
    words = (one.topic or Role.INGRESS.value, place, one.message_type or "")
    return f"{one.id}  {one.received_at.isoformat()}  {one.reason}  {' '.join(words).strip()}"


def _page(shown: Shown) -> str:
    shape = [f"  {path}: {' '.join(kinds)}" for path, kinds in shown.shape.items()]
    lines = [
        _line(shown.letter),
        f"what helps: {shown.remedy}",
        f"content: {shown.bytes} bytes" if shown.opens else "content: no key at hand opens it",
        *(shape if shown.opens else ()),
    ]
    if shown.content is not None:
        lines.append(msgspec.json.format(msgspec.json.encode(shown.content), indent=2).decode())
    return "\n".join(lines)


def _result(one: Replayed) -> str:
    return f"{one.id}  {one.result}" + (f"  {one.reason}" if one.reason else "")
