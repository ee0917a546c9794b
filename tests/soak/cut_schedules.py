"""What is done to the connection of a call: every schedule, and how the call may end.

Lengths come from sound calls that were measured before, so the list has every byte of request and answer.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.gateway.outcome import Accepted, NotSent, Outcome, Unknown
from tests.cutting.calls import CALLS
from tests.cutting.proxy import Cut, How, Way

Ends = frozenset[type[Outcome]]
Lengths = Mapping[str, Mapping[Way, int]]
"""Bytes of a whole call by operation and direction."""

ACCEPTED: Final[Ends] = frozenset({Accepted})
NOT_SENT: Final[Ends] = frozenset({NotSent})
UNKNOWN: Final[Ends] = frozenset({Unknown})
ANY: Final[Ends] = ACCEPTED | NOT_SENT | UNKNOWN
POST_AND_GET: Final = ("start_network_query", "get_network_query")
"""For what takes long: the call that must never be made twice, and one that aiohttp would repeat."""


class Kind(StrEnum):
    """What is wrong with the connection."""

    CUT = "cut"
    SLOW = "cut while it trickles byte by byte"
    TLS = "cut under TLS, handshake included"
    HALF_OPEN = "silent from a byte on, and nobody is told"
    REFUSED = "refused"
    NEVER_ACCEPTED = "never accepted"
    KEPT = "kept alive, and dead when the next call could use it"
    SOUND = "sound"
    SOUND_TLS = "sound under TLS"
    SOUND_KEPT = "sound, and kept alive by the server"


SOUND: Final = frozenset({Kind.SOUND, Kind.SOUND_TLS, Kind.SOUND_KEPT})


@dataclass(frozen=True)
class Schedule:
    """One call and what happens to it; a ``KEPT`` cut is of a call before, on the same connection."""

    kind: Kind
    operation: str
    allowed: Ends
    cut: Cut | None = None
    singly: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether nothing at all is wrong with the connection."""
        return self.kind in SOUND

    def __str__(self) -> str:
        return f"{self.operation}, {self.kind}: {self.cut}"


def broken(plain: Lengths, under_tls: Lengths) -> list[Schedule]:
    """Every schedule in which something breaks."""
    made = [*_cuts(Kind.CUT, plain, tuple(How)), *_cuts(Kind.SLOW, plain, (How.FIN,))]
    made += _under_tls(under_tls)
    made += _half_open({name: plain[name] for name in POST_AND_GET})
    for name in CALLS:
        made += [Schedule(Kind.REFUSED, name, NOT_SENT)] * 20
        made += [Schedule(Kind.NEVER_ACCEPTED, name, NOT_SENT)] * 5
    return made + list(_kept(plain))


def sound(count: int, chance: random.Random) -> list[Schedule]:
    """So many calls on connections that do not break, whole and byte by byte."""
    kinds, names = sorted(SOUND), list(CALLS)
    return [
        Schedule(
            kinds[n % len(kinds)], chance.choice(names), ACCEPTED, singly=chance.random() < 0.5
        )
        for n in range(count)
    ]


def _cuts(kind: Kind, lengths: Lengths, hows: Iterable[How]) -> Iterator[Schedule]:
    """At every byte, and right behind the last: an orderly end there may still bring the answer."""
    for name, way, after, whole in _places(lengths):
        at_end = way is Way.RESPONSE and after == whole
        for how in hows:
            allowed = UNKNOWN | ACCEPTED if at_end else UNKNOWN
            yield Schedule(kind, name, allowed, Cut(way, after, how), kind is Kind.SLOW)


def _under_tls(lengths: Lengths) -> Iterator[Schedule]:
    """Lengths differ a little from call to call, so only what is always forbidden is judged."""
    for name, way, after, _ in _places(lengths):
        for how in How:
            yield Schedule(Kind.TLS, name, ANY, Cut(way, after, how))


def _half_open(lengths: Lengths) -> Iterator[Schedule]:
    for name, way, after, whole in _places(lengths):
        allowed = UNKNOWN if after < whole else UNKNOWN | ACCEPTED
        yield Schedule(Kind.HALF_OPEN, name, allowed, Cut(way, after, None))


def _kept(lengths: Lengths) -> Iterator[Schedule]:
    """Cut somewhere in a second request on the same connection: a call that has its own does not notice."""
    for name, whole in lengths.items():
        length = whole[Way.REQUEST]
        for more in range(0, length + 1, 10):
            for how in How:
                yield Schedule(Kind.KEPT, name, ACCEPTED, Cut(Way.REQUEST, length + more, how))


def _places(lengths: Lengths) -> Iterator[tuple[str, Way, int, int]]:
    for name, whole in lengths.items():
        for way in Way:
            for after in range(whole[way] + 1):
                yield name, way, after, whole[way]
