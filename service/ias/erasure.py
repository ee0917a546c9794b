"""Whether a subject may be erased, and what its receipt says. The schema's docstrings say the meaning."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.events import Remainder, SubjectErased
from schemas.reasons import REMEDIES, Reason
from schemas.topics import TOPICS
from service.ias.refusal import Refusal
from service.ias.telling import Head

LONGEST_TOPIC: Final = timedelta(
    milliseconds=max(spec.retention_ms for spec in TOPICS.values() if spec.retention_ms is not None)
)
"""How long the topic map lets a record live; a tombstone clears the compacted topic sooner."""

_HELD: Final = Refusal(Reason.LEGAL_HOLD, REMEDIES[Reason.LEGAL_HOLD], "legalHold")


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """Whether the subject is under a hold from now on, and why it is not erased, if it is not."""

    held: bool
    refused: Refusal | None


def rule(*, held: bool, asked: bool | None) -> Ruling:
    """What the command's ``legalHold`` makes of the hold that stands.

    True places a hold and false lifts it, both for good until another command says otherwise.
    The command is called EraseSubject and ends with a receipt or with ``legal_hold``: so a false that
    only lifted the hold could end with neither.
    """
    now = held if asked is None else asked
    return Ruling(held=now, refused=_HELD if now else None)


def receipt(head: Head, now: datetime, longest_copy: timedelta) -> SubjectErased:
    """The receipt. ``longest_copy``: how long backups and other copies are kept."""
    complete_by = now + max(LONGEST_TOPIC, longest_copy)
    return SubjectErased(**head, complete_by=complete_by, not_erased=list(Remainder))
