"""A copy of the product's packages in a folder of its own, with one bug in it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.local.deployment import ROOT

PACKAGES: Final = ("schemas", "service", "consumers", "migrations")


class PatchError(RuntimeError):
    """A planted bug does not apply to the product as it is now; the message says where."""


@dataclass(frozen=True)
class Edit:
    """One text of one file that is replaced by another; it must stand there exactly once."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    """One mistake that somebody could make.

    ``scenario`` is the name of what provokes it, ``breaks`` the invariant that the checker must report.
    """

    name: str
    scenario: str
    breaks: str
    edits: tuple[Edit, ...]


def copy_product(folder: Path) -> None:
    """The product's packages as they are, and the tests' beside them, for the double runs from there."""
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    (folder / "tests").symlink_to(ROOT / "tests", target_is_directory=True)


def apply(edits: Sequence[Edit], folder: Path) -> None:
    """Replace the texts.

    Raises:
        PatchError: one of them is not there, or not once.
    """
    for edit in edits:
        file = folder / edit.path
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        if (count := text.count(edit.old)) != 1:
            first = edit.old.strip().splitlines()[0]
            raise PatchError(
                f"{edit.path} holds the text to replace {count} times, not once (it begins {first!r}):"
                " the product has changed, and the planted bug must be written anew"
            )
        file.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
