"""Network queries that were not sent as far as this database knows: what it lost may know better.

Those that wait for a person's session are among them: they may have got it, and gone, in what was lost.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from schemas.ids import RequestId, SubjectId
from service.store.unit import Unit

_OPEN: Final = "state in ('waiting', 'due', 'started') and state <> 'started'"
_AGAIN: Final = "state = 'resending'"
_PAGE: Final = """
select query_id, subject_id, deadline from network_query
where {which} and created_at <= $1 and (deadline, query_id) > ($2, $3)
order by deadline, query_id limit $4
"""
NOT_SENT = _PAGE.format(which=_OPEN)
NOT_SENT_AGAIN = _PAGE.format(which=_AGAIN)
COUNT = f"""
select (select count(*) from (select from network_query where {_OPEN} limit 100000) waiting)
    + (select count(*) from (select from network_query where {_AGAIN} limit 100000) again)
"""
DOUBT_CALL = """
update vendor_call set state = 'unknown', outcome = 'database_changed', lease_until = null
where operation = 'start_network_query' and ref_id = $1 and state = 'due'
"""
START: Final = (datetime.fromisoformat("0001-01-02T00:00:00+00:00"), UUID(int=0))
"""Before the first of a page."""

Place = tuple[datetime, UUID]
Doubtful = tuple[RequestId, SubjectId, datetime]


async def page(
    unit: Unit, made_before: datetime, after: Place, size: int, *, again: bool
) -> list[Doubtful]:
    """The next of them, not locked; ``again``: those that are to be sent for the second time."""
    statement = NOT_SENT_AGAIN if again else NOT_SENT
    rows = await unit.conn.fetch(statement, made_before, *after, size)
    return [(row["query_id"], row["subject_id"], row["deadline"]) for row in rows]


async def count(unit: Unit) -> int:
    """How many there are, counted up to 100,000 of each."""
    found: int = await unit.conn.fetchval(COUNT)
    return found


async def doubt_call(unit: Unit, query_id: RequestId) -> None:
    """The call that waits for the query is not made."""
    await unit.conn.execute(DOUBT_CALL, query_id)
