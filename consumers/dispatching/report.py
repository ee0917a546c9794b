"""How dispatch stands, as text and as JSON. Nothing in it is about a person."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from schemas.events import AuditHeadPublished
from service.store import audit_chain, dispatch_stop, doubtful, known_cluster
from service.store.pool import Database
from service.store.unit import Unit

_NEWEST: Final = 100


@dataclass(frozen=True, kw_only=True)
class Report:
    """What `status` tells.

    ``changed``: this is not the cluster from which calls went out. ``lost_heads``: so many of the
    newest published heads of the audit are not in this database, or are others; ``None`` when none was given.
    """

    stopped: str | None
    since: datetime | None
    changed: bool
    loss_proven: bool
    last_beat: datetime | None
    unsent_queries: int
    lost_heads: int | None

    @property
    def may_go_out(self) -> bool:
        """Whether calls go out."""
        return self.stopped is None and not self.changed

    def as_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self), default=datetime.isoformat)

    def as_text(self) -> str:
        """A few lines, and what to do next."""
        lines = ["calls go out" if self.may_go_out else f"stopped: {self._why()}"]
        if self.since is not None:
            lines.append(f"since: {self.since.isoformat()}")
        if self.last_beat is not None:
            lines.append(
                f"the known database last showed that it lives: {self.last_beat.isoformat()}"
            )
        if self.loss_proven or self.lost_heads:
            lines.append("it is PROVEN that this database lacks commits")
        elif self.lost_heads == 0:
            lines.append(
                "every published audit head is in this database (no proof that nothing is lost)"
            )
        lines.append(
            f"network queries not sent, as far as this database knows: {self.unsent_queries}"
        )
        return "\n".join(lines)

    def _why(self) -> str:
        return self.stopped or "database_changed, not noticed by a gateway yet"


async def look(database: Database, heads: Sequence[AuditHeadPublished] | None) -> Report:
    """How things stand. ``heads``: published heads of the audit, from outside of this database."""
    async with database.transaction() as unit:
        sight = await known_cluster.look(unit)
        stop = await dispatch_stop.standing(unit)
        unsent = await doubtful.count(unit)
        lost = None if heads is None else await _lost(unit, heads)
    return Report(
        stopped=None if stop is None else stop.why.value,
        since=None if stop is None else stop.stopped_at,
        changed=sight.known != sight.here,
        loss_proven=stop is not None and stop.loss_proven,
        last_beat=sight.beat_at,
        unsent_queries=unsent,
        lost_heads=lost,
    )


async def _lost(unit: Unit, heads: Sequence[AuditHeadPublished]) -> int:
    """By number and hash: after a loss the chain goes on, and soon has the numbers again.

    Only the newest heads: older months may have been archived.
    """
    newest = sorted(heads, key=lambda head: head.number)[-_NEWEST:]
    found = await audit_chain.hashes(unit, [head.number for head in newest])
    return sum(found.get(head.number, b"").hex() != head.hash for head in newest)
