"""Record requests: what was asked for, how far it is, and which of them are to be looked at."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from asyncpg import Record

from schemas.ids import (
    ChallengeId,
    CommandId,
    PatientId,
    RequestId,
    SubjectId,
    VerificationId,
)
from schemas.reasons import Reason
from schemas.record_requests import RecordResult, RecordStep, WaitingFor
from schemas.sources import Source
from service.store.unit import Unit

COLUMNS = """
request_id, subject_id, command_id, patient_id, sources, return_url, deadline, fresh_since, resources,
date_from, date_to, consent_id, consent_notice_version, created_at, step, waiting_for, early_sources,
verification_id, challenge_id, query_id, record_id, result, reason
"""
INSERT = """
insert into record_request (request_id, subject_id, command_id, patient_id, sources, return_url,
    deadline, fresh_since, resources, date_from, date_to, consent_id, consent_notice_version,
    created_at, step, wake_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'registration', $7)
"""
BY_ID = f"select {COLUMNS} from record_request where request_id = $1 and subject_id = $2 for update"
OPEN_OF_PAIR = f"""
select {COLUMNS} from record_request
where subject_id = $1 and patient_id = $2 and result is null order by created_at for update
"""
WITH_NEWS = """
select subject_id from record_request r
where result is null and subject_id > $1 and (wake_at <= clock_timestamp() or seen_sequence < (
    select next_sequence from subject s where s.subject_id = r.subject_id))
group by subject_id order by subject_id limit $2
"""
NEWS_OF = f"""
select {COLUMNS} from record_request r
where subject_id = $1 and result is null and (wake_at <= clock_timestamp() or seen_sequence < (
    select next_sequence from subject s where s.subject_id = r.subject_id))
order by created_at for update
"""
SAVE = """
update record_request r set patient_id = $2, step = $3, waiting_for = $4, early_sources = $5,
    verification_id = $6, challenge_id = $7, query_id = $8, record_id = $9, result = $10,
    reason = $11, wake_at = $12, failures = 0, seen_sequence = (
        select next_sequence from subject s where s.subject_id = r.subject_id)
where request_id = $1
"""
PUT_OFF = """
update record_request r set failures = least(failures + 1, 10),
    wake_at = clock_timestamp() + $2::interval * power(2, least(failures, 6)), seen_sequence = (
        select next_sequence from subject s where s.subject_id = r.subject_id)
where request_id = $1
"""
FOLLOW = "update record_request set record_id = $2 where record_id = $1"
IS_OVER = """
select exists (select from record_request
    where subject_id = $1 and command_id = $2 and result is not null)
"""
START: Final = SubjectId("")
"""Before every subject."""
_FIRST_PAUSE: Final = timedelta(seconds=2)


class Asked(NamedTuple):
    """What a RequestRecords asked for."""

    request_id: RequestId
    subject_id: SubjectId
    command_id: CommandId
    patient_id: PatientId | None
    sources: tuple[Source, ...]
    return_url: str
    deadline: datetime
    fresh_since: datetime
    resources: list[str] | None
    date_from: date | None
    date_to: date | None
    consent_id: str | None
    consent_notice_version: str | None
    created_at: datetime


class Request(NamedTuple):
    """One record request, and what it refers to."""

    asked: Asked
    patient_id: PatientId | None
    step: RecordStep = RecordStep.REGISTRATION
    waiting_for: WaitingFor | None = None
    early_sources: tuple[Source, ...] = ()
    verification_id: VerificationId | None = None
    challenge_id: ChallengeId | None = None
    query_id: RequestId | None = None
    record_id: RequestId | None = None
    result: RecordResult | None = None
    reason: Reason | None = None


async def create(unit: Unit, asked: Asked) -> Request:
    """A request that nobody has looked at yet."""
    await unit.conn.execute(INSERT, *asked)
    return Request(asked, asked.patient_id)


async def lock(unit: Unit, subject_id: SubjectId, request_id: RequestId) -> Request | None:
    """A request of the subject, who is locked; ``None`` also when it is another subject's."""
    row = await unit.conn.fetchrow(BY_ID, request_id, subject_id)
    return None if row is None else _request(row)


async def open_of(unit: Unit, subject_id: SubjectId, patient_id: PatientId) -> list[Request]:
    """The requests of subject and patient that have not ended, oldest first."""
    return [_request(row) for row in await unit.conn.fetch(OPEN_OF_PAIR, subject_id, patient_id)]


async def subjects_with_news(unit: Unit, after: SubjectId, limit: int) -> list[SubjectId]:
    """Subjects with a request to look at, in their order; not locked.

    Something happened to the subject since the request was looked at, or its time has come. Every
    change that matters to a request is told as an event of its subject, whichever process makes it.
    """
    return [row["subject_id"] for row in await unit.conn.fetch(WITH_NEWS, after, limit)]


async def with_news(unit: Unit, subject_id: SubjectId) -> list[Request]:
    """The requests to look at of a subject, who is locked; the oldest first, so that others join it."""
    return [_request(row) for row in await unit.conn.fetch(NEWS_OF, subject_id)]


async def save(unit: Unit, request: Request, wake_at: datetime) -> None:
    """It was looked at: with all that was told of its subject until now, and again at ``wake_at``."""
    await unit.conn.execute(
        SAVE,
        request.asked.request_id,
        request.patient_id,
        request.step,
        request.waiting_for,
        list(request.early_sources),
        request.verification_id,
        request.challenge_id,
        request.query_id,
        request.record_id,
        request.result,
        request.reason,
        wake_at,
    )


async def put_off(unit: Unit, request_id: RequestId) -> None:
    """Looking at it met a defect: it is looked at again in two seconds, then ever more seldom."""
    await unit.conn.execute(PUT_OFF, request_id, _FIRST_PAUSE)


async def follow(unit: Unit, record_id: RequestId, renewed_as: RequestId) -> None:
    """The consolidated query that a request waits for goes on as another: its link came dead."""
    await unit.conn.execute(FOLLOW, record_id, renewed_as)


async def is_over(unit: Unit, subject_id: SubjectId, command_id: CommandId) -> bool:
    """Whether the command is a RequestRecords that has ended: what it did not send is not sent."""
    over: bool = await unit.conn.fetchval(IS_OVER, subject_id, command_id)
    return over


def _request(row: Record) -> Request:
    asked = {name: row[name] for name in Asked._fields}
    return Request(
        Asked(**{**asked, "sources": _sources(row["sources"])}),
        row["patient_id"],
        RecordStep(row["step"]),
        None if row["waiting_for"] is None else WaitingFor(row["waiting_for"]),
        _sources(row["early_sources"]),
        row["verification_id"],
        row["challenge_id"],
        row["query_id"],
        row["record_id"],
        None if row["result"] is None else RecordResult(row["result"]),
        None if row["reason"] is None else Reason(row["reason"]),
    )


def _sources(words: Sequence[str]) -> tuple[Source, ...]:
    return tuple(Source(word) for word in words)
