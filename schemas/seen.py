"""Has this event been handled? Kafka repeats, and ``sequence`` tells: it has no gap within a subject.

Keep the last number of each subject where the effects are kept, and write both in one transaction: then
every event takes effect once, whatever is delivered again.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from .base import Event
from .client import Envelope, Received, UnknownMessage
from .events import SubjectErased
from .ids import SubjectId


class Sight(StrEnum):
    """What an event is to a reader who handled those up to some number."""

    NEW = "new"
    REPEAT = "repeat"
    GAP = "gap"


class Place(NamedTuple):
    """Where an event stands: whose it is and its number, if it has one.

    ``may_skip``: it may follow a gap, as ``SubjectErased`` may.
    """

    subject_id: SubjectId | None = None
    sequence: int | None = None
    may_skip: bool = False


def place(told: Envelope) -> Place:
    """Where a message stands; of an unknown one as far as it says so, of a link or state nowhere."""
    match told:
        case UnknownMessage():
            return Place(told.subject_id, told.sequence)
        case Received(message=Event() as event):
            return Place(event.subject_id, event.sequence, isinstance(event, SubjectErased))
        case _:
            return Place()


def sight(last: int | None, at: Place) -> Sight:
    """Whether the event that stands there was handled, given the last number of the subject that was.

    ``last`` is ``None`` for a subject nobody handled an event of: the reader may have begun late.
    An event without a number (0) is about no subject: only its id tells repeats.
    """
    if not at.sequence or last is None:
        return Sight.NEW
    if at.sequence <= last:
        return Sight.REPEAT
    return Sight.NEW if at.sequence == last + 1 or at.may_skip else Sight.GAP


class Seen:
    """The last number of each subject, in memory. ``last``: those that were kept elsewhere."""

    def __init__(self, last: Mapping[SubjectId, int] | None = None) -> None:
        self._last = dict(last or {})

    def look(self, told: Envelope) -> Sight:
        """What the event is, and remember it. A gap is told once: the reader goes on after it."""
        at = place(told)
        if at.subject_id is None or not at.sequence:
            return Sight.NEW
        seen = sight(self._last.get(at.subject_id), at)
        if seen is not Sight.REPEAT:
            self._last[at.subject_id] = at.sequence
        return seen
