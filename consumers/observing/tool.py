"""The command line of ``metriport-ias observe``."""

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import Final

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
)
from consumers.observing.collecting import kept, webhooks
from consumers.observing.report import lines, report
from consumers.reading import Reader
from service.crypto.sealing import Opener
from service.settings.observing import Observing
from service.settings.reader import Reader as SettingsReader
from service.settings.roles import Role
from service.settings.tools import ToolsSettings
from service.telemetry.shapes import UnreadableShapesError

_ABOUT: Final = (
    "For the first days with an account: holds what Metriport really sends against what this service assumes of "
    "it where Metriport documents nothing (A01 and on, in deploy/README.md). Webhooks are taken from "
    "metriport.webhooks.v1; answers and redirects from the files that gateway and ingress write when "
    "SHAPES_FOLDER is set. Only shapes are told: paths and types, never a value. It asks Metriport nothing."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The grammar of the command."""
    teach(
        parser,
        _ABOUT,
        example="metriport-ias observe --since 1d --shapes /var/lib/metriport-ias/shapes",
        ends={OK: "nothing that was seen differs", FOUND_WRONG: "something differs"},
    )
    add_since(parser, "webhooks from when on")
    parser.add_argument(
        "--shapes",
        type=Path,
        metavar="FOLDER|-",
        help="where gateway and ingress keep shapes (SHAPES_FOLDER); - to read their files from stdin",
    )
    parser.add_argument("--paths", action="store_true", help="print every path of what was seen")
    add_json(parser)


async def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code.

    Raises:
        SettingsError: what is missing or wrong.
        ToolError: the folder cannot be read.
        UnreadableTopicError: Kafka cannot be used.
    """
    settings = settings_of(Role.TOOLS, ToolsSettings)
    folder = options.shapes or Observing.read(SettingsReader(os.environ)).folder
    opener = Opener(settings.opening.private_keys.reveal())
    reader = Reader(opener, settings.webhooks.keys.current, settings.sealing.mac_keys)
    unread = Counter[str]()
    try:
        seen = [one async for one in webhooks(settings.kafka, reader, options.since, unread)]
        told = report([*seen, *kept(folder)], unread)
    except UnreadableShapesError as error:
        raise ToolError(str(error)) from None
    if options.json:
        say_json(told)
    else:
        say("\n".join(lines(told, with_shapes=options.paths)))
    return FOUND_WRONG if told.differences else OK
