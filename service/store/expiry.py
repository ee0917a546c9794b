"""What is over: things that can still end, found by their age, oldest first, in small pages.

A page is read without a lock, and is only a list of candidates: each is then taken in a transaction of
its own, its subject locked first, and looked at again (``is_still_over``). So any number of sweepers may
read the same page and each thing ends once.

Every limit is a time of the database's clock (``Unit.now``), compared with times that the database
gave. The one exception is ``returned_at``, which the ingress gives and which is never later than the
database's clock at the time of writing: an ingress whose clock is behind makes sessions end early.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from schemas.ids import SubjectId
from service.store import subjects
from service.store.calls import Operation
from service.store.unit import Unit


class Kind(StrEnum):
    """What can be over; the word is also the label of metrics."""

    VERIFICATION = "verification"
    CHALLENGE = "challenge"
    CODE = "code"
    EARLY_CONFIRMATION = "early_confirmation"
    SESSION_AGE = "session_age"
    SESSION_IDLE = "session_idle"
    QUERY = "query"
    HELD_SLOT = "held_slot"
    RESENDING = "resending"
    UNPROVEN = "unproven"
    CONSOLIDATED = "consolidated"
    REGISTRATION = "registration"
    HOSTED_PAGE = "hosted_page"


class _Where(NamedTuple):
    """Where things of a kind are: the conditions are those of the indexes of migration 0006."""

    table: str
    ref: str
    since: str
    open: str


_LIVE: Final = "state in ('confirmed', 'proven')"
_WHERE: Final = {
    Kind.VERIFICATION: _Where(
        "identity_verification", "verification_id", "expires_at", "state = 'pending'"
    ),
    Kind.CHALLENGE: _Where("aal2_challenge", "challenge_id", "expires_at", "state = 'pending'"),
    Kind.CODE: _Where("aal2_session", "session_id", "returned_at", "state = 'received'"),
    Kind.EARLY_CONFIRMATION: _Where("early_confirmation", "command_id", "received_at", "true"),
    Kind.SESSION_AGE: _Where("aal2_session", "session_id", "returned_at", _LIVE),
    Kind.SESSION_IDLE: _Where(
        "aal2_session", "session_id", "coalesce(last_used_at, returned_at)", _LIVE
    ),
    Kind.QUERY: _Where(
        "network_query", "query_id", "deadline", "state in ('waiting', 'due', 'started')"
    ),
    Kind.HELD_SLOT: _Where(
        "network_query", "query_id", "deadline", "state = 'unknown' and hie_slot"
    ),
    Kind.RESENDING: _Where("network_query", "query_id", "deadline", "state = 'resending'"),
    Kind.UNPROVEN: _Where(
        "network_query",
        "query_id",
        "unknown_at",
        "state = 'unknown' and resend_decided_at is null",
    ),
    Kind.CONSOLIDATED: _Where(
        "consolidated_query",
        "request_id",
        "created_at",
        "state in ('due', 'dispatching', 'started')",
    ),
    Kind.REGISTRATION: _Where("registration", "registration_id", "created_at", "state = 'due'"),
    Kind.HOSTED_PAGE: _Where("hosted_page", "open_id", "opened_at", "state = 'waiting'"),
}
_PAGE: Final = {
    kind: f"""
select subject_id, {at.ref} as ref_id, {at.since} as since from {at.table}
where {at.open} and {at.since} <= $1 and ({at.since}, {at.ref}) > ($2, $3)
order by {at.since}, {at.ref} limit $4
"""
    for kind, at in _WHERE.items()
}
_STILL: Final = {
    kind: f"""
select {at.ref} from {at.table} where {at.ref} = $1 and {at.open} and {at.since} <= $2 for update
"""
    for kind, at in _WHERE.items()
}
_OLDEST: Final = {
    kind: f"select min({at.since}) from {at.table} where {at.open} and {at.since} <= $1"
    for kind, at in _WHERE.items()
}
_TRY_LOCK: Final = "select from subject where subject_id = $1 for update skip locked"
_VOID: Final = """
update vendor_call set state = 'done', outcome = 'void', lease_until = null
where operation = any($1) and ref_id = $2 and state = 'due'
"""
_IN_FLIGHT: Final = """
select exists (select from vendor_call
    where operation = any($1) and ref_id = $2 and state = 'dispatching')
"""
START: Final = (datetime.fromisoformat("0001-01-02T00:00:00+00:00"), UUID(int=0))
"""Before the first candidate."""


class Candidate(NamedTuple):
    """One thing that seems to be over. ``since``: what its limit is compared with."""

    subject_id: SubjectId
    ref_id: UUID
    since: datetime


async def page(
    unit: Unit, kind: Kind, limit: datetime, after: tuple[datetime, UUID], size: int
) -> list[Candidate]:
    """The next candidates: open, and of ``limit`` or before."""
    rows = await unit.conn.fetch(_PAGE[kind], limit, *after, size)
    return [Candidate(**dict(row.items())) for row in rows]


async def is_still_over(unit: Unit, kind: Kind, ref_id: UUID, limit: datetime) -> bool:
    """Whether it is, looked at under its subject's lock; its row is then locked too."""
    return await unit.conn.fetchval(_STILL[kind], ref_id, limit) is not None


async def oldest(unit: Unit, kind: Kind, limit: datetime) -> datetime | None:
    """What the oldest overdue thing of the kind dates from; ``None`` when nothing is overdue."""
    found: datetime | None = await unit.conn.fetchval(_OLDEST[kind], limit)
    return found


async def try_lock_subject(unit: Unit, subject_id: SubjectId) -> bool:
    """Lock the subject's row unless somebody else has it: then there is a next round."""
    if await unit.conn.fetchrow(_TRY_LOCK, subject_id) is None:
        return False
    return await subjects.lock(unit, subject_id)


async def is_called_now(unit: Unit, operations: Sequence[Operation], ref_id: UUID) -> bool:
    """Whether a call for it is under way: its answer, or the end of its lease, decides first."""
    found: bool = await unit.conn.fetchval(_IN_FLIGHT, list(operations), ref_id)
    return found


async def void_call(unit: Unit, operations: Sequence[Operation], ref_id: UUID) -> None:
    """A call that waits for it is not made any more."""
    await unit.conn.execute(_VOID, list(operations), ref_id)
