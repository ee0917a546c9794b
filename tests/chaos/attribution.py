"""During which act each case began: what was found is laid to that act, and so is what was looked at.

An act reaches from its beginning to that of the next one, so its recovery belongs to it; the last one ends
when nothing more is broken. A case can be hit by a later act than the one in which it began: the table
says when it began, no more.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos.checker import Kind
from tests.chaos.world import Happening

BEFORE: Final = "before the first fault"
SETTLING: Final = "while settling"
AT_THE_END: Final = "at the end"
"""What has no moment at which it began: seen when all was over."""


@dataclass
class Share:
    """What began in one stretch of the run: how many cases, and what was found of them."""

    begun: int = 0
    found: Counter[Kind] = field(default_factory=Counter)

    def add(self, other: "Share") -> None:
        """Both together."""
        self.begun += other.begun
        self.found += other.found

    def cells(self) -> list[str]:
        """For a table: begun, lost, wrong, duplicates."""
        return [str(self.begun), *(str(self.found[kind]) for kind in Kind)]


@dataclass
class Shares:
    """The share of each act, by its place among the happenings, and of what lies around them."""

    acts: list[Share]
    around: dict[str, Share]

    def of_name(self, happenings: Sequence[Happening], name: str) -> Share:
        """All acts of a name together."""
        whole = Share()
        for happening, share in zip(happenings, self.acts, strict=True):
            if happening.name == name:
                whole.add(share)
        return whole

    def whole(self) -> Share:
        """Everything."""
        found = Share()
        for share in (*self.acts, *self.around.values()):
            found.add(share)
        return found


def attribute(
    happenings: Sequence[Happening],
    quiet_from: float,
    begun: Iterable[float],
    verdicts: Sequence[Any],
) -> Shares:
    """Lay cases and findings to acts. All times are on the same clock as the happenings'."""
    starts = [one.began for one in happenings]
    shares = Shares([Share() for _ in starts], {n: Share() for n in (BEFORE, SETTLING, AT_THE_END)})

    def at(moment: float | None) -> Share:
        if moment is None:
            return shares.around[AT_THE_END]
        place = bisect_right(starts, moment) - 1
        if place < 0:
            return shares.around[BEFORE]
        return shares.around[SETTLING] if moment >= quiet_from else shares.acts[place]

    for moment in begun:
        at(moment).begun += 1
    for finding in (one for verdict in verdicts for one in verdict.broken):
        at(finding.began).found[finding.kind] += 1
    return shares
