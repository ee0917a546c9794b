"""Reads for a whole batch what its messages will ask one by one: a few round trips instead of many.

Handlers stay as they are and ask as for one message: ``Statements`` answers with what was read here,
or asks Postgres. Locks are taken in a fixed order, subjects before queries, so that two batches do
not wait for each other.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from schemas.ids import PatientId, SubjectId, VendorRequestId
from service.store import identities, inbox, queries, subjects
from service.store.unit import Unit

REMEMBER = """
insert into inbox (source, message_digest)
select source, message_digest from unnest($1::text[], $2::bytea[]) as row(source, message_digest)
order by source, message_digest on conflict do nothing returning source, message_digest
"""
BY_VENDOR_ID = """
select vendor_request_id, query_id, subject_id from network_query
where vendor_request_id = any($1::text[])
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


async def remember(unit: Unit, messages: Iterable[tuple[str, str]]) -> None:
    """Write (source, message id) pairs to the inbox; whether each is new is told when it is asked."""
    rows = sorted({(source, inbox.digest(message_id)) for source, message_id in messages})
    if rows:
        sources, digests = zip(*rows, strict=True)
        new = set(map(tuple, await unit.conn.fetch(REMEMBER, list(sources), list(digests))))
        for row in rows:
            answer = inbox.INSERTED if row in new else "INSERT 0 0"
            unit.conn.ahead(inbox.REMEMBER, *row, answer=answer)


async def lock(
    unit: Unit, named: Iterable[SubjectId], vendor_request_ids: Iterable[VendorRequestId]
) -> None:
    """Lock subjects, those named and those of the vendor's request ids, and read their queries."""
    asked = sorted(set(vendor_request_ids))
    found = await unit.conn.read(BY_VENDOR_ID, asked) if asked else []
    started = {row["vendor_request_id"]: row for row in found}
    for vendor_request_id in asked:
        unit.conn.ahead(
            queries.SUBJECT_OF, vendor_request_id, answer=started.get(vendor_request_id)
        )
    wanted = sorted({*named, *(row["subject_id"] for row in found)})
    if wanted:
        for subject_id, wrapped in await unit.conn.read(subjects.LOCK_MANY, wanted):
            unit.conn.ahead(subjects.LOCK, subject_id, answer=wrapped)
    if found:
        await _read_queries(unit, [row["query_id"] for row in found])


async def _read_queries(unit: Unit, query_ids: Sequence[object]) -> None:
    pairs: set[tuple[SubjectId, PatientId]] = set()
    for row in await unit.conn.read(LOCK_QUERIES, query_ids):
        unit.conn.ahead(queries.BY_ID, row["query_id"], answer=row)
        pairs.add((row["subject_id"], row["patient_id"]))
    rows = await unit.conn.read(SOURCES, query_ids)
    for query_id, sources in groupby(rows, itemgetter("query_id")):
        unit.conn.ahead(queries.SOURCES, query_id, answer=list(sources))
    columns = [list(column) for column in zip(*sorted(pairs), strict=True)]
    for subject_id, patient_id, identity_id in await unit.conn.read(ACTIVE, *columns):
        unit.conn.ahead(identities.ACTIVE, subject_id, patient_id, answer=identity_id)
