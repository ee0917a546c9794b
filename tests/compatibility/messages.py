"""Does a schema of today break who goes by the schema of then? Pure.

Commands come from others: whatever they could say then must still be taken. Everything else goes to
others: whatever is said now must be readable by who knows the schema of then. So a command's field may
not be narrowed, and an event's may not be widened; neither may lose one.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Any, Final

Schema = dict[str, Any]

LOWER: Final = ("minimum", "minLength", "minItems", "minProperties", "exclusiveMinimum")
UPPER: Final = ("maximum", "maxLength", "maxItems", "maxProperties", "exclusiveMaximum")


class Way(Enum):
    """Which way a message travels."""

    TO_US = "to us"
    FROM_US = "from us"


def breaks(way: Way, then: Schema, now: Schema) -> list[str]:
    """A line for everything in ``now`` that breaks who goes by ``then``; the path names the field."""
    return sorted(set(_Pair(way, then, now).schemas("", then, now)))


class _Pair:
    """Two documents; ``$ref`` is looked up in each of its own."""

    def __init__(self, way: Way, then: Schema, now: Schema) -> None:
        self._way = way
        self._then, self._now = then, now
        self._seen: set[tuple[str, str]] = set()

    def schemas(self, path: str, then: Schema, now: Schema) -> Iterator[str]:
        """Compare two schemas at the same place."""
        names = (then.get("$ref", ""), now.get("$ref", ""))
        if all(names):
            if names in self._seen:
                return
            self._seen.add(names)
        then, now = _plain(then, self._then), _plain(now, self._now)
        then_kinds, now_kinds = _kinds(then, self._then), _kinds(now, self._now)
        yield from self._kinds(path, set(then_kinds), set(now_kinds))
        for kind in sorted(then_kinds.keys() & now_kinds.keys()):
            yield from self._same_kind(path, then_kinds[kind], now_kinds[kind])

    def _kinds(self, path: str, then: set[str], now: set[str]) -> Iterator[str]:
        lost, new = then - now, now - then
        if self._way is Way.TO_US and lost:
            yield f"{path or '.'}: no longer takes {', '.join(sorted(lost))}"
        if self._way is Way.FROM_US and new:
            yield f"{path or '.'}: may now be {', '.join(sorted(new))}"

    def _same_kind(self, path: str, then: Schema, now: Schema) -> Iterator[str]:
        yield from self._values(path, then, now)
        yield from self._limits(path, then, now)
        yield from self._fields(path, then, now)
        for key, end in (("items", "[]"), ("additionalProperties", ".*")):
            if isinstance(then.get(key), dict) and isinstance(now.get(key), dict):
                yield from self.schemas(path + end, then[key], now[key])

    def _values(self, path: str, then: Schema, now: Schema) -> Iterator[str]:
        old, new = _values(then), _values(now)
        if self._way is Way.TO_US and new is not None:
            if old is None:
                yield f"{path or '.'}: takes a closed list of values now"
            elif lost := old - new:
                yield f"{path or '.'}: no longer takes the value {', '.join(sorted(lost))}"
        if self._way is Way.FROM_US and old is not None:
            if new is None:
                yield f"{path or '.'}: is no closed list of values any more"
            elif more := new - old:
                yield f"{path or '.'}: has the new value {', '.join(sorted(more))}"

    def _limits(self, path: str, then: Schema, now: Schema) -> Iterator[str]:
        tighter, looser = (then, now) if self._way is Way.TO_US else (now, then)
        for name in LOWER:
            if tighter.get(name, float("-inf")) < looser.get(name, float("-inf")):
                yield f"{path or '.'}: {name} went from {then.get(name)} to {now.get(name)}"
        for name in UPPER:
            if tighter.get(name, float("inf")) > looser.get(name, float("inf")):
                yield f"{path or '.'}: {name} went from {then.get(name)} to {now.get(name)}"
        for name in ("pattern", "format"):
            if looser.get(name) is not None and tighter.get(name) != looser[name]:
                yield f"{path or '.'}: {name} went from {then.get(name)} to {now.get(name)}"

    def _fields(self, path: str, then: Schema, now: Schema) -> Iterator[str]:
        old, new = then.get("properties", {}), now.get("properties", {})
        needed_then, needed_now = set(then.get("required", ())), set(now.get("required", ()))
        for name in sorted(old.keys() - new.keys()):
            yield f"{path}.{name}: is gone"
        for name in sorted(old.keys() & new.keys()):
            yield from self.schemas(f"{path}.{name}", old[name], new[name])
        if self._way is Way.TO_US:
            for name in sorted(needed_now - needed_then):
                yield f"{path}.{name}: is required now"
        else:
            for name in sorted((needed_then - needed_now) & new.keys()):
                yield f"{path}.{name}: may be absent now"


def _plain(schema: Schema, document: Schema) -> Schema:
    """The schema without references and lists of one at its top."""
    while True:
        if "$ref" in schema:
            schema = document["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return schema


def _kinds(schema: Schema, document: Schema) -> dict[str, Schema]:
    """What may stand there, by JSON type; ``anything`` where all may."""
    parts = [_plain(one, document) for one in schema.get("anyOf", [schema])]
    found: dict[str, Schema] = {}
    for part in parts:
        kind = part.get("type")
        if kind is None and ("enum" in part or "const" in part):
            kind = _type(next(iter(part.get("enum", [part.get("const")]))))
        for name in kind if isinstance(kind, list) else [kind or "anything"]:
            found[name] = part
    return found


def _type(value: object) -> str:
    names = {str: "string", bool: "boolean", int: "integer", type(None): "null"}
    return names.get(type(value), "object")


def _values(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {str(schema["const"])}
    return {str(one) for one in schema["enum"]} if "enum" in schema else None
