"""What to think of the database that answers: values only."""

from enum import StrEnum

from service.settings.failover import Policy
from service.store.known_cluster import Beat, Sight


class Verdict(StrEnum):
    """What follows from a look at the database."""

    GO_ON = "go_on"
    TRUST = "trust"
    STOP = "stop"
    LOST = "lost"
    """Stop, and it is proven that commits are gone: no policy trusts that."""


def judge(sight: Sight, remembered: Beat | None, policy: Policy) -> Verdict:
    """Whether calls may go out from this database. ``remembered``: the latest beat seen committed."""
    if remembered is not None and went_back(sight.beat, remembered):
        return Verdict.LOST
    if sight.known is None:
        return Verdict.STOP
    if sight.known == sight.here:
        return Verdict.GO_ON
    return Verdict.TRUST if policy is Policy.TRUST else Verdict.STOP


def went_back(beat: Beat | None, remembered: Beat | None) -> bool:
    """Whether a database that has come so far lacks what was seen committed before."""
    return remembered is not None and (beat is None or beat < remembered)
