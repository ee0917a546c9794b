"""Steps put in order, and those of one command picked out. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from service.store.flow import Step

SHOWN: Final = frozenset(
    """
    sequence commandId requestId patientId reason field source status early from step waitingFor result kind
    linkId expiresAt deadline notBefore position vendorRequestId purposeOfUse resend completeBy
    """.split()  # noqa: SIM905 - read better as text
)
"""Fields of events that are shown: ids of ours, times, and words of closed lists. ``metadata`` is not."""


class Line(msgspec.Struct, frozen=True, order=True):
    """One line of the timeline."""

    at: datetime
    subject_id: str
    kind: str
    what: str
    fields: dict[str, Any]


def event_fields(content: Mapping[str, Any]) -> dict[str, Any]:
    """What of an event is shown."""
    return {
        name: value
        for name, value in content.items()
        if name in SHOWN and value is not None and not isinstance(value, dict | list)
    }


def in_order(subject_id: str, steps: Iterable[Step], since: datetime | None) -> list[Line]:
    """One subject's steps by time, of ``since`` or later."""
    lines = [
        Line(step.at, subject_id, step.kind, step.what, step.fields)
        for step in steps
        if since is None or step.at >= since
    ]
    return sorted(lines, key=lambda line: (line.at, line.kind, line.what))


def of_command(lines: Sequence[Line], command_id: str) -> list[Line]:
    """The lines of one command: those that name it, and those that name something of its."""
    ids = {command_id}
    while True:
        mine = [line for line in lines if _names(line, ids)]
        more = ids.union(*(_owned(line) for line in mine))
        if more == ids:
            return mine
        ids = more


def _owned(line: Line) -> set[str]:
    """What a line is about; a record request also has the steps that it uses, whoever began them."""
    names = ("id", *_USES) if line.kind == "record request" else ("id",)
    return {line.fields[name] for name in names if line.fields.get(name)}


_USES: Final = ("verification_id", "challenge_id", "query_id", "record_id")
_REFERENCES: Final = (
    "id",
    "command_id",
    "commandId",
    "for",
    "query_id",
    "verification_id",
    "challenge_id",
    "link_id",
    "linkId",
)


def _names(line: Line, ids: set[str]) -> bool:
    return any(line.fields.get(name) in ids for name in _REFERENCES)


def as_text(line: Line) -> str:
    """One line for a person."""
    fields = "  ".join(f"{name}={value}" for name, value in line.fields.items() if value != "")
    return f"{line.at.isoformat(timespec='milliseconds')}  {line.kind:<22}{line.what:<28}{fields}".rstrip()
