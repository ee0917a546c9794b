"""Events as their readers get them: as JSON, held against the contract that is published."""

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.base import Event

HEAD = {"sequence", "subjectId", "patientId", "commandId"}


def told(events: Sequence[Event]) -> list[dict[str, Any]]:
    """The events with their names and without their heads; none may contradict its own schema."""
    return [{"is": type(one).__name__} | _written(one) for one in events]


def _written(event: Event) -> dict[str, Any]:
    raw = msgspec.json.encode(event)
    assert msgspec.json.decode(raw, type=type(event)) == event
    return {name: value for name, value in msgspec.json.decode(raw).items() if name not in HEAD}
