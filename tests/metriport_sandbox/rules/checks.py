"""Collects what is wrong with a body, worded and joined as the vendor does.

All problems come in one 400: title "Missing or invalid parameters", detail
"message, on [path], message, on [path]" (vendor code).
"""

from collections.abc import Collection
from typing import Any

from tests.metriport_sandbox.errors import ApiError, envelope

Path = tuple[str | int, ...]

METADATA_PAIRS = 50
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500

_MISSING = object()


class Issues:
    """The problems of one request."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, message: str, path: Path = ()) -> None:
        """Note a problem."""
        self._found.append(f"{message}, on [{','.join(map(str, path))}]")

    def raise_if_any(self) -> None:
        """Refuse the request when there is a problem."""
        if self._found:
            raise self.refusal()

    def refusal(self) -> ApiError:
        """Return the 400."""
        return envelope(400, "Missing or invalid parameters", ", ".join(self._found))

    def expected(self, kind: str, value: Any, path: Path) -> None:
        """Note a value of the wrong type."""
        self.add(f"Expected {kind}, received {js_type(value)}", path)

    def obj(self, value: Any, path: Path = ()) -> dict[str, Any] | None:
        """Return the value if it is an object."""
        if isinstance(value, dict):
            return value
        self.expected("object", value, path)
        return None

    def text(
        self, holder: dict[str, Any], key: str, path: Path = (), *, required: bool = True
    ) -> str | None:
        """Return a non-blank text, trimmed; note what is wrong otherwise."""
        value = holder.get(key, _MISSING)
        if value is _MISSING:
            if required:
                self.add("Required", (*path, key))
            return None
        if not isinstance(value, str):
            self.expected("string", value, (*path, key))
            return None
        if required and not value.strip():
            self.add("String must contain at least 1 character(s)", (*path, key))
            return None
        return value.strip()

    def strict(self, holder: dict[str, Any], known: Collection[str], path: Path = ()) -> None:
        """Note keys that a strict object does not know."""
        if unknown := [key for key in holder if key not in known]:
            names = ", ".join(f"'{key}'" for key in unknown)
            self.add(f"Unrecognized key(s) in object: {names}", path)

    def choice(self, value: Any, allowed: tuple[str, ...], path: Path) -> str | None:
        """Return a value of an enumeration."""
        if isinstance(value, str) and value in allowed:
            return value
        options = " | ".join(f"'{option}'" for option in allowed)
        self.add(f"Invalid enum value. Expected {options}, received '{value}'", path)
        return None

    def metadata(
        self, holder: dict[str, Any], *, counted: bool = True, path: Path = ("metadata",)
    ) -> dict[str, str] | None:
        """Return metadata: keys 1-40, values up to 500 characters, texts only.

        The count of 50 is documented everywhere, and enforced everywhere but at Start
        Network Query (published vendor package).
        """
        value = holder.get("metadata")
        if value is None or (fields := self.obj(value, path)) is None:
            return None
        if counted and len(fields) > METADATA_PAIRS:
            self.add(f"Metadata must contain at most {METADATA_PAIRS} pairs", path)
        for key, text in fields.items():
            self._metadata_pair(key, text, (*path, key))
        return fields

    def _metadata_pair(self, key: str, text: Any, path: Path) -> None:
        if not key:
            self.add("String must contain at least 1 character(s)", path)
        if len(key) > METADATA_KEY_LENGTH:
            self.add(f"String must contain at most {METADATA_KEY_LENGTH} character(s)", path)
        if not isinstance(text, str):
            self.expected("string", text, path)
        elif len(text) > METADATA_VALUE_LENGTH:
            self.add(f"String must contain at most {METADATA_VALUE_LENGTH} character(s)", path)


def js_type(value: Any) -> str:
    """Return the name of a JSON value's type as the vendor's library says it."""
    names = {type(None): "null", bool: "boolean", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")
