"""Which request at the vendor may be which query of ours: to be confirmed by a status query."""

from datetime import datetime

from schemas.ids import PatientId, RequestId, VendorRequestId
from schemas.sources import PurposeOfUse, Source
from service.ias.correlation import Candidate
from service.store.unit import Unit

CANDIDATES = """
select q.query_id, q.purpose, c.called_at, q.first_called_at,
    array(select s.source from network_query_source s where s.query_id = q.query_id) as sources
from network_query q
join vendor_call c on c.operation = 'start_network_query' and c.ref_id = q.query_id
where q.patient_id = $1 and c.called_at is not null
    and (q.state in ('dispatching', 'unknown', 'resending')
        or q.first_called_at is not null and q.also_vendor_request_id is null)
"""
KEEP = """
insert into supposed_request (vendor_request_id, query_id) values ($1, $2) on conflict do nothing
"""
_ONE_TO_ONE = """
from supposed_request s
join network_query q using (query_id)
where q.state in ('unknown', 'resending')
  and not exists (select from supposed_request other
      where other.query_id = s.query_id and other.vendor_request_id <> s.vendor_request_id)
  and not exists (select from supposed_request other
      where other.vendor_request_id = s.vendor_request_id and other.query_id <> s.query_id)
  and not exists (select from network_query owner
      where owner.vendor_request_id = s.vendor_request_id)
"""
FOR_UNKNOWN = f"""
select s.vendor_request_id, s.query_id {_ONE_TO_ONE} and q.watched_at is null
order by s.supposed_at limit $1
"""
OF_QUERY = f"select s.vendor_request_id {_ONE_TO_ONE} and s.query_id = $1"
REFUTE = "delete from supposed_request where vendor_request_id = $1 and query_id = $2"
FORGET = "delete from supposed_request where supposed_at <= $1"


async def candidates(unit: Unit, patient_id: PatientId) -> list[Candidate]:
    """Queries of a patient, of any subject, with a call that was made and has no known outcome.

    One that was sent twice is one of them, whatever its state, until both its requests are known: else
    the other could be taken for a later query's.
    """
    return [
        Candidate(
            query_id=row["query_id"],
            purpose=PurposeOfUse(row["purpose"]),
            sources=frozenset(Source(word) for word in row["sources"]),
            called_at=row["called_at"],
            first_called_at=row["first_called_at"],
        )
        for row in await unit.conn.fetch(CANDIDATES, patient_id)
    ]


async def keep(unit: Unit, vendor_request_id: VendorRequestId, query_id: RequestId) -> None:
    """The request may be this query."""
    await unit.conn.execute(KEEP, vendor_request_id, query_id)


async def to_confirm(unit: Unit, limit: int) -> list[tuple[VendorRequestId, RequestId]]:
    """Suppositions worth a status query, and of queries about which nobody asks yet.

    They are of unknown outcome, one to one, and owned by nobody.
    """
    rows = await unit.conn.fetch(FOR_UNKNOWN, limit)
    return [(row["vendor_request_id"], row["query_id"]) for row in rows]


async def of_query(unit: Unit, query_id: RequestId) -> VendorRequestId | None:
    """The request that may be this query, if it is still worth a status query."""
    found: VendorRequestId | None = await unit.conn.fetchval(OF_QUERY, query_id)
    return found


async def refute(unit: Unit, vendor_request_id: VendorRequestId, query_id: RequestId) -> None:
    """The request is not this query."""
    await unit.conn.execute(REFUTE, vendor_request_id, query_id)


async def forget(unit: Unit, limit: datetime) -> None:
    """Suppositions of ``limit`` or before: their webhooks are gone too."""
    await unit.conn.execute(FORGET, limit)
