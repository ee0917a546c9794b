"""Has this event been handled? Kafka repeats, and ``sequence`` tells: it has no gap within a subject.

Keep the last number of each subject where the effects are kept, and write both in one transaction: then
every event takes effect once, whatever is delivered again.
"""

from collections.abc import Mapping
from enum import StrEnum

from .base import Event
from .client import Received, UnknownMessage
from .events import SubjectErased
from .ids import SubjectId


class Sight(StrEnum):
    """What an event is to a reader who handled those up to some number."""

    NEW = "new"
    REPEAT = "repeat"
    GAP = "gap"


def sight(last: int | None, sequence: int | None, *, may_skip: bool = False) -> Sight:
    """Whether the event with this number was handled, given the last number that was.

    ``last`` is ``None`` for a subject nobody handled an event of: the reader may have begun late.
    An event without a number (0) is about no subject: only its id tells repeats. ``may_skip``: it
    may follow a gap, as ``SubjectErased`` may.
    """
    if not sequence or last is None:
        return Sight.NEW
    if sequence <= last:
        return Sight.REPEAT
    return Sight.NEW if sequence == last + 1 or may_skip else Sight.GAP


class Seen:
    """The last number of each subject, in memory. ``last``: those that were kept elsewhere."""

    def __init__(self, last: Mapping[SubjectId, int] | None = None) -> None:
        self._last = dict(last or {})

    def look(self, event: Received[Event] | UnknownMessage) -> Sight:
        """What the event is, and remember it. A gap is told once: the reader goes on after it."""
        subject_id, sequence, may_skip = place(event)
        if subject_id is None:
            return Sight.NEW
        last = self._last.get(subject_id)
        seen = sight(last, sequence, may_skip=may_skip)
        if sequence and seen is not Sight.REPEAT:
            self._last[subject_id] = sequence
        return seen


def place(event: Received[Event] | UnknownMessage) -> tuple[SubjectId | None, int | None, bool]:
    """Subject, number, and whether it may follow a gap; of an unknown event as far as it says so."""
    if isinstance(event, UnknownMessage):
        return event.subject_id, event.sequence, False
    message = event.message
    return message.subject_id, message.sequence, isinstance(message, SubjectErased)
