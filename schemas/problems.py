"""What is wrong with a message, said so that its sender can mend it and nothing leaks.

msgspec's error texts echo the values of enums, literals and unknown keys, and a value can be health
data. Only the path and a text of our own leave this module.
"""

import re
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec

_PATH: Final = re.compile(r" - at (?:`key` in )?`\$?([^`]*)`\Z")
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_HOLDS_NO_VALUE: Final = (
    "Expected ",
    "Integer value out of range",
    "Invalid RFC3339",
    "Invalid UUID",
    "Invalid base64",
    "Number out of range",
)
"""How msgspec's texts begin that never echo a value; every other text is replaced."""
_MAX_DEPTH: Final = 64

NOT_ALLOWED: Final = "not one of the allowed values"
"""What is said of a word that is not of its closed list: it may be one that a later version added."""

T = TypeVar("T")


class InvalidMessageError(ValueError):
    """A message cannot be read. ``field`` is a dotted path, or ``None`` for the whole message."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


def decode(raw: bytes, kind: type[T]) -> T:
    """Decode JSON into ``kind``.

    Raises:
        InvalidMessageError: not JSON, not UTF-8, nested too deeply, text that Postgres cannot hold
            (U+0000, a lone surrogate), or a field that is missing or wrong.
    """
    refuse_hostile_text(raw)
    return decode_part(raw, kind)


def decode_part(raw: bytes, kind: type[T]) -> T:
    """Decode the part of a JSON text that ``kind`` names; the rest is skipped, whatever it holds.

    Half of a surrogate pair is read as U+FFFD: ``JSON.stringify`` writes one for a cut emoji, and one
    in somebody's name must not keep a message from being read.

    Raises:
        InvalidMessageError: not JSON, or a field of that part is missing or wrong.
    """
    try:
        decoded: T = _decoder(cast("Any", kind)).decode(_without_lone_surrogates(raw))
    except msgspec.ValidationError as error:
        raise _describe(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidMessageError("the value is not JSON") from None
    return decoded


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - any type that msgspec decodes
    return msgspec.json.Decoder(kind)


def refuse_hostile_text(raw: bytes) -> None:
    """Refuse what is JSON, or nearly so, and would still break a reader further in.

    Raises:
        InvalidMessageError: see ``decode``.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise InvalidMessageError("the value is not UTF-8") from None
    if "\x00" in text:
        raise InvalidMessageError("the value holds U+0000")
    _refuse_escapes(text)
    if _depth(raw) > _MAX_DEPTH:
        raise InvalidMessageError(f"the value is nested deeper than {_MAX_DEPTH}")


_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair, and so fine
    r"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|(?P<nul>\\u0000)"
    r"|\\.",  # any other escape, so that the second half of an escaped backslash starts nothing
    re.DOTALL,
)
_RAW_ESCAPE: Final = re.compile(_ESCAPE.pattern.encode(), re.DOTALL)
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A string, or all that is left when none ends: else every quote would look for its end anew."""
_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"{}[]")


def _without_lone_surrogates(raw: bytes) -> bytes:
    if rb"\u" not in raw:
        return raw
    return _RAW_ESCAPE.sub(lambda found: rb"\ufffd" if found["lone"] else found[0], raw)


def _refuse_escapes(text: str) -> None:
    for match in _ESCAPE.finditer(text):
        if match["nul"]:
            raise InvalidMessageError("the value holds U+0000")
        if match["lone"]:
            raise InvalidMessageError("the value holds a lone surrogate")


def _depth(raw: bytes) -> int:
    """The most brackets ever open at once, brackets inside strings left out."""
    deepest = depth = 0
    for byte in _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS):
        depth += 1 if byte in b"{[" else -1
        deepest = max(deepest, depth)
    return deepest


def _describe(text: str) -> InvalidMessageError:
    path = _PATH.search(text)
    field = path.group(1).lstrip(".") if path else ""
    missing = _MISSING.match(text)
    if missing:
        field = f"{field}.{missing.group(1)}".lstrip(".")
        return InvalidMessageError("the field is missing", field)
    reason = _PATH.sub("", text)
    if not reason.startswith(_HOLDS_NO_VALUE):
        reason = NOT_ALLOWED
    return InvalidMessageError(reason, field or None)
