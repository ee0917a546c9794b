"""The cluster from which calls go out, and how far it has come: ``service.gateway.failover`` says why.

The functions of Postgres behind ``this_cluster()`` (migration 0017) are open to every role. The timeline is
that of the record written next: a promoted standby has its new one with its first commit, where the control
file shows it only after the next checkpoint.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from service.store.unit import Unit


class Beat(NamedTuple):
    """How far a database has come; a later one is greater. ``since``: from when its beats count."""

    since: datetime
    number: int


class Cluster(NamedTuple):
    """Which cluster, and the timeline it writes; ``None`` while it only follows another."""

    system_identifier: int
    timeline: int | None


class Sight(NamedTuple):
    """What is known, and what is there. ``beat_at``: when the known one last showed that it lives."""

    known: Cluster | None
    here: Cluster
    beat: Beat | None
    beat_at: datetime | None


LOOK = """
select k.system_identifier, k.timeline, c.system_identifier as system_here,
    c.timeline as timeline_here, k.since, k.beat, k.beat_at
from this_cluster() c left join known_cluster k on true
"""
BEAT = """
update known_cluster set beat = beat + 1, beat_at = clock_timestamp() returning since, beat
"""
IDLE_BEAT = """
update known_cluster set beat = beat + 1, beat_at = clock_timestamp()
where beat_at < clock_timestamp() - $1::interval and not exists (select from dispatch_stop)
returning since, beat
"""
TRUST = """
update known_cluster k set system_identifier = c.system_identifier, timeline = c.timeline
from this_cluster() c
where (k.system_identifier, k.timeline) is distinct from (c.system_identifier, c.timeline)
returning true
"""
BEGIN_ANEW = """
insert into known_cluster as k (system_identifier, timeline)
select system_identifier, timeline from this_cluster()
on conflict (only_row) do update set system_identifier = excluded.system_identifier,
    timeline = excluded.timeline, beat = k.beat + 1, beat_at = excluded.beat_at,
    since = greatest(excluded.since, k.since + interval '1 microsecond')
"""


async def look(unit: Unit) -> Sight:
    """Compare the cluster that answers with the one that is known."""
    row = await unit.conn.fetchrow(LOOK)
    here = Cluster(row["system_here"], row["timeline_here"])
    if row["beat"] is None:
        return Sight(None, here, None, None)
    known = Cluster(row["system_identifier"], row["timeline"])
    return Sight(known, here, Beat(row["since"], row["beat"]), row["beat_at"])


async def beat(unit: Unit) -> Beat | None:
    """Count an intent. It holds everybody's row until the commit, so it comes last."""
    row = await unit.conn.fetchrow(BEAT)
    return None if row is None else Beat(*row.values())


async def beat_if_idle(unit: Unit, quiet: timedelta) -> Beat | None:
    """Show that the database lives, where nobody has done so for a while and calls may go out."""
    row = await unit.conn.fetchrow(IDLE_BEAT, quiet)
    return None if row is None else Beat(*row.values())


async def trust(unit: Unit) -> bool:
    """Take the cluster that answers for the known one, its beats going on; whether it was another."""
    return await unit.conn.fetchval(TRUST) is not None


async def begin_anew(unit: Unit) -> None:
    """Take the cluster that answers for the known one, whatever anybody remembers of it."""
    await unit.conn.execute(BEGIN_ANEW)
