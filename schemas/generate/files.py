"""Where the generated documents stand, and whether they still say what the code says."""

import json
from pathlib import Path
from typing import Any, Final

from .asyncapi import asyncapi
from .jsonschema import json_schemas
from .openapi import openapi
from .reasons import reasons_table

FOLDER: Final = Path(__file__).parents[1]
"""The ``schemas`` package itself."""


def documents() -> dict[str, str]:
    """Every generated file: its path below ``schemas``, and its text."""
    return {
        "REASONS.md": reasons_table(),
        "asyncapi.json": _text(asyncapi()),
        "openapi.json": _text(openapi()),
        **{f"jsonschema/{name}.json": _text(schema) for name, schema in json_schemas().items()},
    }


def drift(folder: Path) -> list[str]:
    """The files that are missing, differ, or should not be there."""
    wanted = documents()
    changed = [name for name, text in wanted.items() if _read(folder / name) != text]
    return sorted([*changed, *_strangers(folder, wanted)])


def write(folder: Path) -> None:
    """Write every file and remove JSON Schemas of messages that are no more."""
    wanted = documents()
    for name in _strangers(folder, wanted):
        (folder / name).unlink()
    for name, text in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _strangers(folder: Path, wanted: dict[str, str]) -> list[str]:
    found = (f"jsonschema/{path.name}" for path in (folder / "jsonschema").glob("*.json"))
    return [name for name in found if name not in wanted]


def _read(path: Path) -> str | None:
    return path.read_bytes().decode() if path.is_file() else None


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
