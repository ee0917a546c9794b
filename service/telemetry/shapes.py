"""Keeps the shapes of what the vendor answers, for ``metriport-ias observe``: a line for each new one.

Off unless ``SHAPES_FOLDER`` names a folder. A shape is made of listed words alone (``service.assumed``), so
no secret and nothing about a person can be in these files. Each shape is written once a process, and at most
``MOST`` of them: an open URL such as a redirect's cannot be used to fill the disk.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import structlog

from service.assumed.comparing import Origin, Seen
from service.assumed.shapes import content_type_of, shape_of_bytes, shape_of_names

MOST: Final = 500
_SUFFIX: Final = ".shapes.jsonl"

log = structlog.get_logger()


class Shapes:
    """Writes to a file of its own below the folder; without a folder it does nothing."""

    def __init__(self, folder: Path | None, role: str) -> None:
        self._path = None if folder is None else folder / f"{role}-{os.getpid()}{_SUFFIX}"
        self._written: set[bytes] = set()

    def answer(self, operation: str, status: int, content_type: str | None, body: bytes) -> None:
        """Keep the shape of a vendor's answer to one of our calls."""
        if self._path is not None:
            shape = dict(shape_of_bytes(body))
            kind = content_type_of(content_type)
            self._keep(Seen(Origin.ANSWER, operation, status, kind, shape))

    def redirect(self, route: str, names: list[str]) -> None:
        """Keep the names of the parameters with which a browser came back."""
        if self._path is not None:
            self._keep(Seen(Origin.REDIRECT, route, shape=dict(shape_of_names(names))))

    def _keep(self, seen: Seen) -> None:
        line = msgspec.json.encode(seen)
        if self._path is None or line in self._written or len(self._written) >= MOST:
            return
        self._written.add(line)
        try:
            with self._path.open("ab") as file:
                file.write(line + b"\n")
        except OSError as error:
            log.warning("shapes.not_written", error=type(error).__name__)


UNWATCHED: Final = Shapes(None, "")
"""Keeps nothing."""


class UnreadableShapesError(Exception):
    """The folder is none, or a line is something else; the text names the file and nothing in it."""


def read_folder(folder: Path) -> Iterator[Seen]:
    """Every shape that was kept in the folder.

    Raises:
        UnreadableShapesError: it cannot be read, or holds something else.
    """
    try:
        for path in sorted(folder.glob(f"*{_SUFFIX}")):
            yield from read_lines(path.read_bytes().splitlines(), path.name)
    except OSError as error:
        raise UnreadableShapesError(f"{folder} cannot be read ({type(error).__name__})") from None


def read_lines(lines: Iterable[bytes], name: str) -> Iterator[Seen]:
    """Shapes from the lines of one or several such files, which are called ``name`` in errors.

    Raises:
        UnreadableShapesError: a line is something else.
    """
    for number, line in enumerate(lines, 1):
        try:
            yield msgspec.json.decode(line, type=Seen)
        except ValueError:
            raise UnreadableShapesError(f"{name}: line {number} is no shape") from None
