"""Reads for a whole batch what its messages will ask one by one: a few round trips instead of many.

Handlers stay as they are and ask as for one message: ``Statements`` answers with what was read here,
or asks Postgres. Locks are taken in a fixed order, subjects before queries, so that two batches do
not wait for each other.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from schemas.ids import PatientId, SubjectId, VendorRequestId
from service.store import identities, queries, subjects
from service.store.unit import Unit

BY_VENDOR_ID = """
select vendor_request_id, query_id, subject_id from network_query
where vendor_request_id = any($1::text[])
union all
select also_vendor_request_id, query_id, subject_id from network_query
where also_vendor_request_id = any($1::text[])
"""
LOCK_QUERIES = f"""
select {queries.COLUMNS} from network_query where query_id = any($1::uuid[])
order by query_id for update
"""
SOURCES = """
select query_id, source, status, finished_at, told_early, reason from network_query_source
where query_id = any($1::uuid[]) order by query_id, source
"""
ACTIVE = """
select pair.subject_id, pair.patient_id, i.identity_id
from unnest($1::text[], $2::text[]) as pair(subject_id, patient_id)
left join identity i on i.subject_id = pair.subject_id and i.patient_id = pair.patient_id
    and i.state = 'active'
"""


async def lock(
    unit: Unit, named: Iterable[SubjectId], vendor_request_ids: Iterable[VendorRequestId]
) -> None:
    """Lock subjects, those named and those of the vendor's request ids, and read their queries.

    What is still known from before is not read again.
    """
    conn, asked = unit.conn, sorted(set(vendor_request_ids))
    unknown = [one for one in asked if not conn.knows(queries.SUBJECT_OF, one)]
    if unknown:
        rows = {row["vendor_request_id"]: row for row in await conn.read(BY_VENDOR_ID, unknown)}
        for one in unknown:
            conn.ahead(queries.SUBJECT_OF, one, answer=rows.get(one))
    answers = [await conn.fetchrow(queries.SUBJECT_OF, one) for one in asked]
    started = [row for row in answers if row is not None]
    subject_ids = {*named, *(row["subject_id"] for row in started)}
    unlocked = sorted(one for one in subject_ids if not conn.knows(subjects.LOCK, one))
    if unlocked:
        for subject_id, wrapped in await conn.read(subjects.LOCK_MANY, unlocked):
            conn.ahead(subjects.LOCK, subject_id, answer=wrapped)
    changed = [row["query_id"] for row in started if not conn.knows(queries.BY_ID, row["query_id"])]
    if changed:
        await _read_queries(unit, changed)


async def _read_queries(unit: Unit, query_ids: Sequence[object]) -> None:
    conn = unit.conn
    pairs: set[tuple[SubjectId, PatientId]] = set()
    for row in await conn.read(LOCK_QUERIES, query_ids):
        conn.ahead(queries.BY_ID, row["query_id"], answer=row)
        pairs.add((row["subject_id"], row["patient_id"]))
    rows = await conn.read(SOURCES, query_ids)
    for query_id, sources in groupby(rows, itemgetter("query_id")):
        conn.ahead(queries.SOURCES, query_id, answer=list(sources))
    unknown = sorted(pair for pair in pairs if not conn.knows(identities.ACTIVE, *pair))
    if unknown:
        columns = [list(column) for column in zip(*unknown, strict=True)]
        for subject_id, patient_id, identity_id in await conn.read(ACTIVE, *columns):
            conn.ahead(identities.ACTIVE, subject_id, patient_id, answer=identity_id)
