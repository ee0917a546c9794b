"""One self-contained JSON Schema (draft 2020-12) for each message."""

from typing import Final

from .catalogue import MESSAGES, Entry
from .components import Schema, components

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, Schema]:
    """The schema of every message by its name."""
    return {
        entry.name: _document(entry) for entry in sorted(MESSAGES, key=lambda entry: entry.name)
    }


def _document(entry: Entry) -> Schema:
    parts = components([entry.kind], "#/$defs/{name}")
    root = parts.pop(entry.name)
    document: Schema = {"$schema": DIALECT, **root, "examples": entry.examples()}
    return {**document, "$defs": parts} if parts else document
