"""How many calls may go out: in any minute, by kind and by source, and in any day, over all replicas.

Sources: Metriport's docs, rate limits (Create Patient 15, Network Query 20 for each source, Start
Consolidated 120 a minute), and its code of 2025, which counted 20 network queries in all: both hold here.
No limit is published for identity sessions, challenges and Get Patient; 30 a minute is our own caution.
Nor for status calls: three a minute are at most 4,320 of the 10,000 calls that the vendor's gateway
allows a production account in a day. The window is fixed at the vendor; slots are correct for any window.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from schemas.sources import Source
from service.settings.pacing import Pacing
from service.store.calls import LOOKS, Call, Operation

_OURS: Final[dict[str, int]] = {
    Operation.GET_PATIENT: 30,
    Operation.CREATE_IDENTITY_SESSION: 30,
    Operation.CREATE_AAL2_CHALLENGE: 30,
    Operation.GET_NETWORK_QUERY: 2,
    Operation.GET_CONSOLIDATED_QUERY: 1,
}
"""Our own caution, where the vendor publishes nothing."""


def source_pool(source: Source) -> str:
    """The pool of network queries with this source."""
    return f"network_query_{source.value}"


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast this deployment goes.

    Attributes:
        limits: The account's limits, and our share of them.
        window: How long a slot rests after its call has ended; the vendor counts by the minute.
        recording: How long a replica may take to record an outcome, beyond the call itself.
        stalled: A process that was stopped for so long since it claimed a call makes it no more: soon
            its lease and its slots are another's.
    """

    limits: Pacing = field(default_factory=Pacing)
    window: timedelta = timedelta(seconds=60)
    recording: timedelta = timedelta(seconds=60)
    stalled: timedelta = timedelta(seconds=20)

    def pools(self) -> Mapping[str, int]:
        """Every pool, with its number of slots: our share of the limit, at least one."""
        limits = self.limits
        published: dict[str, int] = {
            Operation.CREATE_PATIENT: limits.patient_writes,
            Operation.START_NETWORK_QUERY: limits.network_queries,
            Operation.START_CONSOLIDATED_QUERY: limits.consolidated_queries,
            **{source_pool(source): limits.network_queries_per_source for source in Source},
        }
        return {pool: self._ours(limit) for pool, limit in (_OURS | published).items()}

    def of_day(self, *, person_waits: bool) -> int:
        """How many calls of 24 hours may have been made when one more is; the reserve is for people."""
        ours = self._ours(self.limits.per_day)
        return ours if person_waits else ours - ours * self.limits.reserve // 100

    def _ours(self, limit: int) -> int:
        return max(1, limit * self.limits.share // 100)


def person_waits(call: Call) -> bool:
    """Whether somebody waits for the call: not for a look, nor for what was asked as background work."""
    return call.operation not in LOOKS and not call.background
