"""How an audit chain is checked: link by link, against every signed head and checkpoint.

What a check can find: a row that was altered, removed, moved or put in, by whoever did not compute the
chain anew. What it finds only through a head that was published before: a chain computed anew, or cut
off at its end. So heads are kept where the database's owner cannot reach.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from service.ias.audit import GENESIS, Entry, Link, Position, entry_digest, link_hash


class BreakKind(StrEnum):
    """How a chain can be wrong."""

    ALTERED = "altered"
    MISSING = "missing"
    REORDERED = "reordered"
    REWRITTEN = "rewritten"
    TRUNCATED = "truncated"
    BAD_SIGNATURE = "bad_signature"
    UNCHAINED = "unchained"


MEANINGS: Final[Mapping[BreakKind, str]] = {
    BreakKind.ALTERED: "an entry or its link is not what was chained",
    BreakKind.MISSING: "an entry or its link is not there any more",
    BreakKind.REORDERED: "the link does not follow the one before it",
    BreakKind.REWRITTEN: "the chain agrees with itself, and not with a head or checkpoint",
    BreakKind.TRUNCATED: "a head says that the chain went further",
    BreakKind.BAD_SIGNATURE: "a head or checkpoint is not signed by one of the given keys",
    BreakKind.UNCHAINED: "an entry was never chained",
}


class Break(NamedTuple):
    """Where a chain is wrong first."""

    number: int
    kind: BreakKind


def check(after: Position, link: Link, entry: Entry | None) -> BreakKind | None:
    """What is wrong with a link that should follow ``after``, if anything."""
    if link.number != after.number + 1:
        return BreakKind.MISSING if link.number > after.number else BreakKind.REORDERED
    if link.hash != link_hash(link.previous, link.entry_digest, link.sealed_at):
        return BreakKind.ALTERED
    if link.previous != after.hash:
        return BreakKind.REORDERED
    if entry is None:
        return BreakKind.MISSING
    same = (entry.entry_id, entry.recorded_at) == (link.entry_id, link.recorded_at)
    if not same or entry_digest(entry) != link.entry_digest:
        return BreakKind.ALTERED
    return None


class Walk:
    """Checks a chain link by link, and keeps count of what was checked.

    ``known`` are positions that signed heads and checkpoints speak of; one before the start counts as
    ``skipped``, for nothing is left to compare it with.
    """

    def __init__(self, after: Position, known: Iterable[Position] = ()) -> None:
        self.start = after
        self.at = after
        self.matched = 0
        self.skipped = 0
        self._known: dict[int, list[bytes]] = {}
        for position in known:
            self.know(position)

    def know(self, position: Position) -> None:
        """Compare with this one too, when its number comes; before ``begin``, or ahead of the walk."""
        self._known.setdefault(position.number, []).append(position.hash)

    def begin(self) -> Break | None:
        """Compare what is known about the start itself and before it."""
        for number in [number for number in self._known if number < self.start.number]:
            self.skipped += len(self._known.pop(number))
        return self._compare(self.start)

    def step(self, link: Link, entry: Entry | None) -> Break | None:
        """Go on by one link; what is wrong with it, if anything."""
        wrong = check(self.at, link, entry)
        if wrong is not None:
            return Break(min(link.number, self.at.number + 1), wrong)
        self.at = Position(link.number, link.hash)
        return self._compare(self.at)

    def end(self) -> Break | None:
        """After the last link: whatever is known beyond it was cut off."""
        return Break(self.at.number + 1, BreakKind.TRUNCATED) if self._known else None

    def _compare(self, here: Position) -> Break | None:
        hashes = self._known.pop(here.number, [])
        if any(hashed != here.hash for hashed in hashes):
            return Break(here.number, BreakKind.REWRITTEN)
        self.matched += len(hashes)
        return None


def verify(
    rows: Iterable[tuple[Link, Entry | None]],
    after: Position = GENESIS,
    known: Iterable[Position] = (),
) -> Break | None:
    """The first break of a whole chain, or ``None``."""
    walk = Walk(after, known)
    broken = walk.begin()
    for link, entry in rows:
        broken = broken or walk.step(link, entry)
        if broken is not None:
            return broken
    return broken or walk.end()
