"""The cases of the table of record requests: each is true of some facts, at some time."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from schemas.reasons import Reason
from schemas.record_requests import RecordStep
from schemas.sources import SourceStatus
from service.ias.consolidated import ConsolidatedState
from service.ias.identity import VerificationState
from service.ias.network_query import UNPROVEN, QueryState
from service.ias.record_request import (
    MAX_CHALLENGES,
    RANK,
    Challenge,
    Facts,
)

Case = Callable[[Facts, datetime], bool]

_OPEN: Final = frozenset({None, VerificationState.PENDING, VerificationState.EXPIRED})


def query_is(facts: Facts, *states: QueryState) -> bool:
    """Whether the query that the request has stands so."""
    return facts.query is not None and facts.query.state in states


def record_is(facts: Facts, *states: ConsolidatedState) -> bool:
    """Whether the record that the request asked for stands so."""
    return facts.record is not None and facts.record.state in states


def is_delivered_whole(facts: Facts, _now: datetime) -> bool:
    """The record is there, with what every source had."""
    whole = set(facts.statuses.values()) == {SourceStatus.COMPLETED}
    return whole and record_is(facts, ConsolidatedState.READY)


def lost_identity(facts: Facts, _now: datetime) -> bool:
    """It had an identity and has none, or what the person proved cannot be used."""
    later = RANK[facts.step] > RANK[RecordStep.IDENTITY_VERIFICATION]
    return not facts.is_proofed and (later or facts.verification not in _OPEN)


def proves_identity(facts: Facts, _now: datetime) -> bool:
    """The person has a link to the proofing page."""
    return not facts.is_proofed and facts.verification is VerificationState.PENDING


def is_not_its_query(facts: Facts, _now: datetime) -> bool:
    """Its query is of an older proof, or ended unsent and was started for another request."""
    query = facts.query
    if query is None:
        return False
    return not query.is_current or (query.state is QueryState.REFUSED and not query.is_own)


def had_old_session(facts: Facts, _now: datetime) -> bool:
    """Its query was refused for its session's age, and the person may be asked once more."""
    refused = query_is(facts, QueryState.REFUSED)
    return refused and why_refused(facts) is Reason.SESSION_REQUIRED and may_ask(facts)


def may_ask(facts: Facts, _now: datetime | None = None) -> bool:
    """The person was not asked too often."""
    return facts.challenges < MAX_CHALLENGES


def needs_session(facts: Facts, _now: datetime | None = None) -> bool:
    """Its query waits because Metriport refused its session."""
    return facts.query is not None and facts.query.needs_session


def waits_for_return(facts: Facts, _now: datetime) -> bool:
    """Its query needs a session, which the application has not confirmed yet."""
    return needs_session(facts) and facts.challenge is Challenge.RETURNED


def waits_for_person(facts: Facts, _now: datetime) -> bool:
    """Its query needs a session that somebody is asked for: by it, or by whoever started the query."""
    query = facts.query
    if query is None or not query.needs_session:
        return False
    return facts.challenge is Challenge.OPEN or not query.is_own


def needs_person(facts: Facts, _now: datetime) -> bool:
    """Its query needs a session that nobody is asked for."""
    return needs_session(facts) and may_ask(facts)


def all_failed(facts: Facts, _now: datetime) -> bool:
    """Every source that was asked has failed."""
    return set(facts.statuses.values()) == {SourceStatus.FAILED}


def runs(facts: Facts) -> bool:
    """A source that was asked has not ended."""
    return SourceStatus.PROCESSING in facts.statuses.values()


def has_time(facts: Facts, now: datetime) -> bool:
    """Sources run, and the deadline is not near."""
    return runs(facts) and now < facts.collect_at


def can_start(facts: Facts, _now: datetime) -> bool:
    """A query could be sent at once."""
    return facts.has_session and facts.slot_is_free


def is_asked(facts: Facts, challenge: Challenge) -> bool:
    """The person's challenge stands so, and no session makes it needless."""
    return facts.challenge is challenge and not facts.has_session


def may_not_be_told(facts: Facts, _now: datetime | None = None) -> bool:
    """What its query brings may not be handed out (I9)."""
    return facts.query is not None and facts.query.refused is not None


def why_expired(facts: Facts) -> Reason:
    """Why there was nothing to hand out in time."""
    return Reason.VENDOR_UNCLEAR if query_is(facts, *UNPROVEN) else Reason.DEADLINE_PASSED


def why_refused(facts: Facts) -> Reason:
    """Why the query was not started; an older release did not write it down."""
    return (facts.query.reason if facts.query else None) or Reason.VENDOR_REFUSED


def why_without_record(facts: Facts) -> Reason:
    """Why there is no record; as above."""
    return (facts.record.reason if facts.record else None) or Reason.VENDOR_REFUSED


def why_partial(facts: Facts) -> Reason:
    """What the record lacks."""
    return Reason.DEADLINE_PASSED if runs(facts) else why_failed(facts)


def why_failed(facts: Facts) -> Reason:
    """The reason of the sources that failed, if they share one that says more than that they did."""
    reasons = {row.reason for row in facts.rows.values() if row.status is SourceStatus.FAILED}
    disabled = reasons == {Reason.SOURCE_NOT_ENABLED}
    return Reason.SOURCE_NOT_ENABLED if disabled else Reason.SOURCE_FAILED
