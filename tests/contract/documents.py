"""The generated files as they are on disk."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.generate.files import FOLDER

HERE = Path(__file__).parent


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def asyncapi() -> Any:
    return load(FOLDER / "asyncapi.json")


def openapi() -> Any:
    return load(FOLDER / "openapi.json")


def message_schema(name: str) -> Any:
    return load(FOLDER / "jsonschema" / f"{name}.json")


def values_of(node: Any, key: str) -> Iterator[str]:
    """Every text under ``key``, at any depth."""
    if isinstance(node, list):
        for item in node:
            yield from values_of(item, key)
    elif isinstance(node, dict):
        if isinstance(node.get(key), str):
            yield node[key]
        for item in node.values():
            yield from values_of(item, key)


def follow(document: Any, reference: str) -> Any:
    """What a local reference points at."""
    assert reference.startswith("#/"), reference
    for step in reference[2:].split("/"):
        document = document[step]
    return document
