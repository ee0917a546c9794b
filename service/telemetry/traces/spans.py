"""Spans as the code meets them. Without a tracer they do nothing, and what came in is passed on."""

import hashlib
from contextlib import AbstractContextManager
from enum import Enum
from typing import Any, Final, Protocol
from uuid import UUID

Value = str | int | bool
ALLOWED: Final = frozenset(
    {"route", "status", "topic", "type", "result", "operation", "outcome", "attempts", "batch"}
)
"""Attributes that a span may have: words of closed lists, and numbers."""


class Kind(Enum):
    """Which side of a boundary a span is on."""

    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"
    INTERNAL = "INTERNAL"


class Span(Protocol):
    """A span that is open."""

    @property
    def traceparent(self) -> str | None:
        """What the next one goes on from."""

    def set(self, **attributes: Value) -> None:
        """Say more of it."""


class Tracer(Protocol):
    """What makes spans."""

    def open(
        self, name: str, kind: Kind, parent: str | None, attributes: dict[str, Value]
    ) -> AbstractContextManager[Span]:
        """A span, current while it is open; below ``parent``, or below the current one."""

    def current(self) -> str | None:
        """The current span's context."""


class _Passing:
    """No span: the context goes through as it came. It is its own context manager, because it is often."""

    __slots__ = ("traceparent",)

    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing was opened."""

    def set(self, **attributes: Value) -> None:
        """Nobody listens."""


class _State:
    tracer: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """Make spans with this, from now on; ``None`` turns them off."""
    _State.tracer = tracer


def span(
    name: str, kind: Kind, parent: str | None = None, **attributes: Value
) -> AbstractContextManager[Span]:
    """A span around the work of the block, whose errors are told by their type alone.

    Raises:
        ValueError: an attribute is not among those allowed.
    """
    check(attributes)
    if _State.tracer is None:
        return _Passing(parent)
    return _State.tracer.open(name, kind, parent, attributes)


def inner_span(name: str, kind: Kind, **attributes: Value) -> AbstractContextManager[Span]:
    """A span, but only within another: what a loop does for nobody in particular makes no trace."""
    return _Passing(None) if current() is None else span(name, kind, None, **attributes)


def current() -> str | None:
    """The context to pass on from here; ``None`` outside of every span, and without a tracer."""
    return None if _State.tracer is None else _State.tracer.current()


def is_on() -> bool:
    """Whether spans are made."""
    return _State.tracer is not None


def flow_of(request_id: UUID) -> str | None:
    """The trace of a record request: all its steps share it, whenever and wherever they are taken.

    Its id is the request's own, which is as random as a trace's; so nothing has to be stored.
    """
    if _State.tracer is None:
        return None
    root = hashlib.sha256(request_id.bytes).hexdigest()[:16]
    return f"00-{request_id.hex}-{root}-01"


def check(attributes: dict[str, Any]) -> None:
    """Refuse attributes that nobody has thought about."""
    unknown = attributes.keys() - ALLOWED
    if unknown:
        raise ValueError(f"no attribute of a span: {', '.join(sorted(unknown))}")
