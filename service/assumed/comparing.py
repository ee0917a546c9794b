"""A shape beside what was expected: the differences, each under the assumption that it is about."""

from collections.abc import Iterator
from enum import StrEnum
from http import HTTPStatus
from typing import Final

import msgspec

from service.assumed import expected
from service.assumed.expected import Expected
from service.assumed.shapes import TOP, Kind, Shape

_MESSAGE_TYPES: Final = "A21"
TEXTS: Final = frozenset({Kind.TERM, Kind.UUID, Kind.DATE, Kind.TIME, Kind.URL})
"""Texts of some form."""
_BELOW: Final = ".**"
_JSON: Final = ("application/json", "application/problem+json")


class Origin(StrEnum):
    """Where a shape was taken."""

    WEBHOOK = "webhook"
    REDIRECT = "redirect"
    ANSWER = "answer"


class Seen(msgspec.Struct, frozen=True, order=True):
    """One shape, and where it was taken. Nothing in it is a value of a message."""

    origin: Origin
    name: str
    status: int | None = None
    content_type: str | None = None
    shape: dict[str, tuple[str, ...]] = {}


class Difference(msgspec.Struct, frozen=True, order=True):
    """One difference from what is assumed."""

    assumption: str
    origin: Origin
    name: str
    path: str
    wanted: str
    found: str


def compare(seen: Seen) -> Iterator[Difference]:
    """Every difference of one shape."""
    match seen.origin:
        case Origin.WEBHOOK:
            yield from _webhook(seen)
        case Origin.REDIRECT:
            yield from _fields(seen, expected.REDIRECTS.get(seen.name))
        case Origin.ANSWER:
            yield from _answer(seen)


def _webhook(seen: Seen) -> Iterator[Difference]:
    if seen.name == "other":
        yield _difference(seen, _MESSAGE_TYPES, TOP, "a documented type", "another type")
    yield from _fields(seen, expected.WEBHOOKS.get(seen.name))


def _answer(seen: Seen) -> Iterator[Difference]:
    status = seen.status or 0
    if status < HTTPStatus.MULTIPLE_CHOICES:
        yield from _fields(seen, expected.ANSWERS.get(seen.name))
        return
    yield from _status(seen, status)
    if seen.content_type in _JSON:
        if status != HTTPStatus.LOCKED:  # known to be a bare string
            yield from _fields(seen, expected.ENVELOPE)
    elif status not in expected.TEXT_STATUSES:
        found = f"{seen.content_type} with {status}"
        yield _difference(seen, expected.ENVELOPE.assumption, TOP, "JSON", found)


def _status(seen: Seen, status: int) -> Iterator[Difference]:
    """What the IAS calls are refused with is documented nowhere."""
    known = expected.KNOWN_STATUSES | expected.SESSION_STATUSES
    if status in known:
        return
    owner = "A08" if seen.name == "start_network_query" else "A17"
    listed = ", ".join(map(str, sorted(known)))
    yield _difference(seen, owner, TOP, f"a status of {listed}", str(status))


def _fields(seen: Seen, wanted: Expected | None) -> Iterator[Difference]:
    if wanted is None:
        return
    allowed = {**wanted.optional, **wanted.required}
    if odd := set(seen.shape.get(TOP, ())) - set(allowed.get(TOP, Kind.OBJECT).split()):
        kinds = " ".join(sorted(odd))
        yield _difference(seen, wanted.assumption, TOP, allowed.get(TOP, Kind.OBJECT), kinds)
        return
    for path in wanted.required:
        if path not in seen.shape and _is_called_for(path, seen.shape, wanted):
            yield _difference(seen, wanted.owner_of(path), path, _words(wanted, path), "missing")
    for path, found in seen.shape.items():
        yield from _field(seen, wanted, path, found)


def _field(seen: Seen, wanted: Expected, path: str, kinds: tuple[str, ...]) -> Iterator[Difference]:
    allowed = {**wanted.optional, **wanted.required}
    owner = wanted.owner_of(path)
    if path in allowed:
        if odd := sorted(set(kinds) - _allowed(allowed[path])):
            yield _difference(seen, owner, path, _words(wanted, path), " ".join(odd))
    elif path != TOP and not _is_open(path, wanted) and not _is_new(_parent(path), wanted):
        yield _difference(seen, owner, path, "no such field", " ".join(kinds))


def _allowed(words: str) -> set[str]:
    """The types that are meant: where any text will do, one of a form is as good."""
    listed = set(words.split())
    return listed | TEXTS if Kind.TEXT in listed else listed


def _words(wanted: Expected, path: str) -> str:
    return " or ".join({**wanted.optional, **wanted.required}[path].split())


def _is_called_for(path: str, shape: Shape, wanted: Expected) -> bool:
    """Not where what is above it is missing as well, which is told once, and not of an empty array."""
    parent = _parent(path)
    return not path.endswith("[]") and (parent in shape or parent not in wanted.required)


def _is_new(path: str, wanted: Expected) -> bool:
    """Whether it is a field that is not expected: told once, and not for all that is below it."""
    listed = {**wanted.optional, **wanted.required, TOP: ""}
    return path not in listed and not _is_open(path, wanted)


def _is_open(path: str, wanted: Expected) -> bool:
    """Whether it is below one that may hold anything."""
    opened = [one.removesuffix(_BELOW) for one in wanted.optional if one.endswith(_BELOW)]
    return any(path.startswith((f"{one}.", f"{one}[")) for one in opened)


def _parent(path: str) -> str:
    return path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]


def _difference(seen: Seen, owner: str, path: str, wanted: str, found: str) -> Difference:
    return Difference(owner, seen.origin, seen.name, path, wanted, found)
