"""Hosted pages: one row for each click on a step's button; the one table that the ingress reads."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.events import StepKind
from schemas.ids import LinkId, OpenId, SubjectId
from schemas.reasons import Reason
from service.crypto.tokens import secret_digest
from service.store.pool import Connection
from service.store.statements import Statements
from service.store.unit import Unit

INSERT = """
insert into hosted_page (open_id, link_id, kind, subject_id, state, opened_at)
values ($1, $2, $3, $4, 'waiting', $5) on conflict do nothing
"""
OPENINGS = "select count(*) from hosted_page where link_id = $1 and opened_at > $2"
BY_ID = """
select open_id, link_id, kind, subject_id, state, url_token, expires_at, reason
from hosted_page where open_id = $1
"""
READY = """
update hosted_page set vendor_digest = $2, expires_at = $4,
    url_token = case when state = 'waiting' then $3 end,
    state = case when state = 'waiting' then 'ready' else state end
where open_id = $1
"""
REFUSED = "update hosted_page set state = 'refused', reason = $2 where open_id = $1"
INSERTED = "INSERT 0 1"
WINDOW: Final = timedelta(hours=1)


class HostedPage(NamedTuple):
    """One click and what became of it; ``url_token`` is the vendor's URL sealed with LINK_KEYS."""

    open_id: OpenId
    link_id: LinkId
    kind: StepKind
    subject_id: SubjectId
    state: str
    url_token: str | None = None
    expires_at: datetime | None = None
    reason: str | None = None


async def open_page(unit: Unit, page: HostedPage) -> bool:
    """Remember a click; whether it is new."""
    row = (page.open_id, page.link_id, page.kind, page.subject_id)
    return await unit.conn.execute(INSERT, *row, unit.now) == INSERTED


async def openings(unit: Unit, link_id: LinkId) -> int:
    """How often the link was opened within the last hour."""
    count: int = await unit.conn.fetchval(OPENINGS, link_id, unit.now - WINDOW)
    return count


async def page(connection: Connection | Statements, open_id: OpenId) -> HostedPage | None:
    """What became of a click."""
    row = await connection.fetchrow(BY_ID, open_id)
    return (
        None if row is None else HostedPage(**{**dict(row.items()), "kind": StepKind(row["kind"])})
    )


async def ready(
    unit: Unit, open_id: OpenId, vendor_id: str, url_token: str, expires_at: datetime
) -> None:
    """The vendor made the page; nobody is sent to it when it was refused meanwhile."""
    digest = secret_digest("hosted-page", vendor_id)
    await unit.conn.execute(READY, open_id, digest, url_token, expires_at)


async def refused(unit: Unit, open_id: OpenId, reason: Reason) -> None:
    """There will be no page for this click."""
    await unit.conn.execute(REFUSED, open_id, reason)
