"""What the tools of the command line share: how they teach, what they print, how they end."""

import argparse
import os
import re
import sys
import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from service.settings.roles import Role, load

OK: Final = 0
FOUND_WRONG: Final = 1
WRONG_SETTINGS: Final = 2

_WIDTH: Final = 100
_SPAN: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

S = TypeVar("S")


class ToolError(Exception):
    """What was asked for cannot be done; the text says why and holds no value of a message."""


def teach(
    parser: argparse.ArgumentParser, about: str, *, example: str, ends: Mapping[int, str]
) -> None:
    """Give a command its help: what it is for, an example to copy, and its exit codes.

    Every command ends with 2 when its arguments or settings are wrong.
    """
    codes = {WRONG_SETTINGS: "wrong arguments or settings; nothing was done", **ends}
    listed = "\n".join(f"  {code}  {meaning}" for code, meaning in sorted(codes.items()))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = textwrap.fill(about, _WIDTH)
    parser.epilog = f"example:\n  {example}\n\nexit codes:\n{listed}"


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option of every tool whose result a program may read."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def add_since(
    parser: argparse.ArgumentParser, what: str = "from when on", *, required: bool = False
) -> None:
    """The option that says from when on to look."""
    meaning = f"{what}: RFC 3339, or how long ago (30m, 2h, 3d)"
    parser.add_argument("--since", type=moment, metavar="TIME", help=meaning, required=required)


def add_until(parser: argparse.ArgumentParser) -> None:
    """The option that ends what ``--since`` begins."""
    parser.add_argument("--until", type=moment, metavar="TIME", help="and before when")


def moment(text: str) -> datetime:
    """A time on the command line: RFC 3339, or how long ago (`90s`, `30m`, `2h`, `3d`)."""
    span = _SPAN.fullmatch(text)
    if span is not None:
        return datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            "must be RFC 3339, or a span such as 30m, 2h, 3d"
        ) from None
    if when.tzinfo is None:
        raise argparse.ArgumentTypeError("must name its zone, as in 2026-06-03T10:00:00Z")
    return when


def settings_of(role: Role, kind: type[S]) -> S:
    """The settings of a role, from the environment.

    Raises:
        SettingsError: what is missing or wrong.
    """
    settings = load(role, os.environ)
    if not isinstance(settings, kind):
        raise TypeError(role)
    return settings


def unheard(why: str) -> str:
    """That Kafka was not heard, and what to do about it; ``why`` names an error and no setting's value."""
    return (
        f"Kafka cannot be used ({why}): see that it runs and that KAFKA_BOOTSTRAP_SERVERS leads to it,"
        " with a login that may do this; then run this again"
    )


def say(text: str) -> None:
    """Print to stdout, at once."""
    print(text, flush=True)  # noqa: T201 - the output of a command


def say_aside(text: str) -> None:
    """Print to stderr: how far something is, where stdout is for its one document."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - as above


def say_json(value: Any) -> None:  # noqa: ANN401 - anything that msgspec can write
    """Print one JSON document."""
    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
