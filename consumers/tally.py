"""When too many messages go wrong: the rule that stops one type of messages on one topic.

What counts is not messages but those they are about. A defect of ours, a wrong key or a bad deploy
fails for everybody; one broken subject or one caller with a bug fails alone, however often, and must
not halt the others.

    stop, when of those seen lately at least ``LEAST`` had their last message go wrong,
    and they are at least ``SHARE`` of all seen lately
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, Generic, NamedTuple, TypeVar

from schemas.reasons import Reason

SECONDS: Final = 60.0
MOST: Final = 50
LEAST: Final = 5
SHARE: Final = 0.5

OURS: Final = frozenset({Reason.HANDLER_FAILED, Reason.NOT_AUTHENTIC, Reason.UNREADABLE})
"""Counted by subject: what should not happen to any message."""

CALLERS: Final = frozenset({Reason.INVALID_FIELD, Reason.UNKNOWN_COMMAND})
"""Counted by sender: a mistake of one caller, unless many senders make it at the same time."""


Name = TypeVar("Name")


class Last(NamedTuple):
    """How the last message about somebody went."""

    at: float
    bad: bool


def is_too_bad(lasts: Iterable[Last], now: float) -> bool:
    """The rule above; ``at`` and ``now`` are seconds of one clock."""
    recent = [last for last in lasts if now - last.at <= SECONDS]
    bad = sum(last.bad for last in recent)
    return bad >= LEAST and bad >= SHARE * len(recent)


class Tally(Generic[Name]):
    """How the last messages about the ``MOST`` latest seen went, for every name (kind) by itself."""

    def __init__(self) -> None:
        self._lasts: dict[Name, OrderedDict[bytes, Last]] = {}

    def note(self, name: Name, about: bytes, now: float, *, bad: bool) -> bool:
        """Note how a message went; whether messages of this name must stop now."""
        lasts = self._lasts.setdefault(name, OrderedDict())
        lasts[about] = Last(now, bad)
        lasts.move_to_end(about)
        if len(lasts) > MOST:
            lasts.popitem(last=False)
        return bad and is_too_bad(lasts.values(), now)
