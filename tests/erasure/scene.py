"""A subject with something in every table, and a look at the whole database."""

from typing import Any
from uuid import uuid4

import asyncpg

from schemas.commands import EraseSubject
from schemas.events import StepKind
from schemas.ids import CommandId, LinkId, OpenId, SubjectId
from schemas.record_requests import RecordRequest, RecordStep
from schemas.sources import Source
from service.store import hosted_pages, outbox
from service.store.hosted_pages import HostedPage
from service.store.pool import Database
from tests.support import people
from tests.support.people import LATER, Person

VENDOR_PAGE = "vendor-page-1"
NETWORK = "vendor-network-1"
CONSOLIDATED = "vendor-consolidated-1"

TABLES = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind = 'r' order by 1
"""
COLUMNS = """
select table_name, column_name from information_schema.columns
where table_schema = 'public' and column_name in ('subject_id', 'patient_id') order by 1, 2
"""


def erase(subject: str, *, hold: bool | None = None, **metadata: str) -> EraseSubject:
    """The command."""
    return EraseSubject(
        command_id=CommandId(uuid4()),
        subject_id=SubjectId(subject),
        legal_hold=hold,
        metadata=metadata or None,
    )


async def busy_person(database: Database, subject: str, patient: str) -> Person:
    """Somebody with a row wherever a row can be: queries, pages, calls, a record request."""
    who = await people.person(database, subject, patient)
    query_id = await people.due_query(database, who)
    await people.started_query(database, who, f"{NETWORK}-{subject}")
    record_id = await people.due_consolidated(database, who)
    await people.started_consolidated(database, who, f"{CONSOLIDATED}-{subject}")
    await people.registering(database, subject, demographics=b'{"firstName":"x"}')
    async with database.transaction() as unit:
        pending = await people.verifying(unit, who.subject_id, who.patient_id)
        asked = await people.challenge(unit, who.subject_id, who.patient_id, who.identity_id)
        open_id = OpenId(uuid4())
        link_id, kind = LinkId(pending.verification_id), StepKind.IDENTITY_VERIFICATION
        page = HostedPage(open_id, link_id, kind, who.subject_id, "waiting")
        await hosted_pages.open_page(unit, page)
        until = unit.now + LATER
        await hosted_pages.ready(unit, open_id, f"{VENDOR_PAGE}-{subject}", "sealed", until)
        request = await people.record_request(
            unit,
            who,
            verification_id=pending.verification_id,
            challenge_id=asked.challenge_id,
            query_id=query_id,
            record_id=record_id,
        )
        state = RecordRequest(
            request_id=request.asked.request_id,
            subject_id=who.subject_id,
            step=RecordStep.NETWORK_QUERY,
            deadline=until,
            sources=[Source.HIE],
            updated_at=unit.now,
        )
        await outbox.tell_state(unit, state)
    return who


async def dump(owner: asyncpg.Connection) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as somebody who stole the database has it."""
    tables = [row["relname"] for row in await owner.fetch(TABLES)]
    return {
        table: [dict(row) for row in await owner.fetch(f"select * from {table}")]  # noqa: S608 - names of the catalogue
        for table in tables
    }


def values(dumped: dict[str, list[dict[str, Any]]]) -> list[tuple[str, Any]]:
    """Every value with its table and column."""
    return [
        (f"{table}.{column}", value)
        for table, rows in dumped.items()
        for row in rows
        for column, value in row.items()
        if value is not None
    ]


def places_of(needle: str, dumped: dict[str, list[dict[str, Any]]]) -> set[str]:
    """Columns that hold the text in the clear, in a text or in bytes."""
    raw = needle.encode()
    return {
        place
        for place, value in values(dumped)
        if (raw in value if isinstance(value, bytes) else needle in str(value))
    }
