"""JSON to its shape: paths and types, and no value. Whatever comes in, only listed words come out.

A path is the names from the top, ``[]`` for "any element of an array", ``*`` for "any key that is no field
name". Types are the words of ``Kind``; a path may have several.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from service.assumed.words import CONTENT_TYPES, NAMES, OTHER, PARTS, TERMS

DEEPEST: Final = 16
MOST_PATHS: Final = 400
TOP: Final = "$"

Shape = Mapping[str, tuple[str, ...]]
"""Sorted types by path."""

_PARTS: Final = re.compile(r"[A-Z]?[a-z]+[0-9]?|[A-Z]+(?![a-z])")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_URL: Final = re.compile(r"https?://\S+")


class Kind(StrEnum):
    """What stands at a path."""

    NULL = "null"
    BOOLEAN = "boolean"
    NUMBER = "number"
    TERM = "term"
    UUID = "uuid"
    TIME = "time"
    DATE = "date"
    URL = "url"
    TEXT = "text"
    BLANK = "blank"
    OBJECT = "object"
    ARRAY = "array"
    DEEPER = "deeper"
    """An object or array below ``DEEPEST``, which is not looked into."""
    NOTHING = "nothing"
    """No bytes at all."""
    NOT_JSON = "not-json"
    MORE = "more"
    """There are more than ``MOST_PATHS``."""


def shape_of_bytes(body: bytes) -> Shape:
    """The shape of a body."""
    if not body.strip():
        return {TOP: (Kind.NOTHING,)}
    try:
        return shape_of(msgspec.json.decode(body))
    except (ValueError, RecursionError):  # a body that is not UTF-8 is a ValueError too
        return {TOP: (Kind.NOT_JSON,)}


def shape_of(value: Any) -> Shape:  # noqa: ANN401 - any JSON
    """The shape of decoded JSON."""
    found: dict[str, set[str]] = {}
    _walk(value, TOP, 0, found)
    return {path: tuple(sorted(kinds)) for path, kinds in sorted(found.items())}


def shape_of_names(names: Iterable[str]) -> Shape:
    """The shape of a query string: its parameters' names and nothing of their values."""
    shown = {f"{TOP}.{key_of(name)}": (str(Kind.TEXT),) for name in names}
    return dict(sorted(shown.items())) or {TOP: (Kind.NOTHING,)}


def content_type_of(said: str | None) -> str:
    """The content type, if it is one of the list."""
    if said is None:
        return "none"
    plain = said.partition(";")[0].strip().lower()
    return plain if plain in CONTENT_TYPES else "other"


def key_of(name: str) -> str:
    """The name, if each of its parts is a listed word; else ``*``."""
    if name in NAMES:
        return name
    if not _NAME.fullmatch(name):
        return OTHER
    parts = _PARTS.findall(name)
    rest = _PARTS.sub("", name).strip("_-")
    listed = bool(parts) and all(part.lower() in PARTS for part in parts)
    return name if listed and not rest.replace("_", "").replace("-", "") else OTHER


def _walk(value: Any, path: str, depth: int, found: dict[str, set[str]]) -> None:  # noqa: ANN401
    if path not in found and len(found) >= MOST_PATHS:
        found.setdefault(TOP, set()).add(Kind.MORE)
        return
    kinds = found.setdefault(path, set())
    if depth > DEEPEST and isinstance(value, dict | list):
        kinds.add(Kind.DEEPER)
        return
    kinds.add(_kind(value))
    if isinstance(value, dict):
        for name, item in value.items():
            _walk(item, f"{path}.{key_of(name)}", depth + 1, found)
    elif isinstance(value, list):
        for item in value:
            _walk(item, f"{path}[]", depth + 1, found)


def _kind(value: Any) -> Kind:  # noqa: ANN401
    match value:
        case None:
            return Kind.NULL
        case bool():
            return Kind.BOOLEAN
        case int() | float():
            return Kind.NUMBER
        case str():
            return _kind_of_text(value)
        case list():
            return Kind.ARRAY
        case _:
            return Kind.OBJECT


_FORMS: Final = (
    (_UUID, Kind.UUID),
    (_TIME, Kind.TIME),
    (_DATE, Kind.DATE),
    (_URL, Kind.URL),
)


def _kind_of_text(text: str) -> Kind:
    if not text.strip():
        return Kind.BLANK
    if text in TERMS:
        return Kind.TERM
    return next((kind for form, kind in _FORMS if form.fullmatch(text)), Kind.TEXT)
