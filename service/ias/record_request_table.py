"""The table of record requests: the first row whose case is true decides.

Read from above: what ends a request comes first, then the furthest thing that it has, then what it
still lacks. ``python -m service.ias.transitions`` prints it.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from schemas.reasons import Reason
from schemas.record_requests import RecordResult as R
from schemas.record_requests import RecordStep as S
from schemas.record_requests import WaitingFor as W
from schemas.sources import PurposeOfUse
from service.ias import record_request_cases as case
from service.ias.consolidated import ConsolidatedState as C
from service.ias.network_query import UNPROVEN
from service.ias.network_query import QueryState as Q
from service.ias.record_request import (
    Act,
    Challenge,
    Choice,
    End,
    Facts,
    Registration,
    Start,
    Wait,
)
from service.ias.record_request_cases import Case


class Row(NamedTuple):
    """One case: what it is, whether it is so, and what follows.

    ``reason``: why a request ends so, where that depends on the facts.
    """

    about: str
    holds: Case
    then: Choice
    reason: Callable[[Facts], Reason | None] | None = None


_OVER: Final = (
    Row("it was cancelled", lambda f, _: f.cancelled, End(R.CANCELLED, Reason.CANCELLED)),
    Row("the identity was revoked", lambda f, _: f.revoked, End(R.FAILED, Reason.REVOKED)),
    Row(
        "the record is delivered, and every source has completed",
        case.is_delivered_whole,
        End(R.READY),
    ),
    Row(
        "the record is delivered, and a source failed or still runs",
        lambda f, _: case.record_is(f, C.READY),
        End(R.PARTIAL),
        case.why_partial,
    ),
    Row(
        "the deadline has come", lambda f, now: f.deadline <= now, End(R.EXPIRED), case.why_expired
    ),
)
_RECORD: Final = (
    Row(
        "there will be no record",
        lambda f, _: case.record_is(f, C.FAILED),
        End(R.FAILED),
        case.why_without_record,
    ),
    Row(
        "the record is asked for",
        lambda f, _: case.record_is(f, C.DUE, C.DISPATCHING, C.STARTED),
        Wait(S.CONSOLIDATED_QUERY, W.CONSOLIDATED_DATA),
    ),
)
_PERSON: Final = (
    Row(
        "the registration failed",
        lambda f, _: f.registration is Registration.FAILED,
        End(R.FAILED),
        lambda f: f.registration_reason,
    ),
    Row(
        "the registration is on its way",
        lambda f, _: f.registration is Registration.DUE,
        Wait(S.REGISTRATION, W.PATIENT),
    ),
    Row(
        "the subject is not linked to the patient",
        lambda f, _: f.link is None,
        Start(Act.LINK_PATIENT, S.REGISTRATION),
    ),
    Row(
        "the link is for treatment",
        lambda f, _: f.link is not PurposeOfUse.IAS,
        End(R.FAILED, Reason.PURPOSE_NOT_ALLOWED),
    ),
    Row(
        "the identity was taken away, or was proved by two",
        case.lost_identity,
        End(R.FAILED, Reason.IDENTITY_CONFLICT),
    ),
    Row(
        "the person is asked to prove who they are",
        case.proves_identity,
        Wait(S.IDENTITY_VERIFICATION, W.IDENTITY_VERIFICATION),
    ),
    Row(
        "the person is not proofed",
        lambda f, _: not f.is_proofed,
        Start(Act.ASK_IDENTITY, S.IDENTITY_VERIFICATION),
    ),
)
_QUERY: Final = (
    Row(
        "its query is of an older proof, or was another request's and was refused",
        case.is_not_its_query,
        Start(Act.LEAVE_QUERY, S.AAL2_CHALLENGE),
    ),
    Row(
        "its query was refused because the session was too old by then",
        case.had_old_session,
        Start(Act.LEAVE_QUERY, S.AAL2_CHALLENGE),
    ),
    Row(
        "its query was refused",
        lambda f, _: case.query_is(f, Q.REFUSED),
        End(R.FAILED),
        case.why_refused,
    ),
    Row(
        "its query lacks a session, and the person is back with one",
        case.waits_for_return,
        Wait(S.AAL2_CHALLENGE, W.RETURN_CONFIRMATION),
    ),
    Row(
        "its query lacks a session, and the person is asked for one",
        case.waits_for_person,
        Wait(S.AAL2_CHALLENGE, W.AAL2_CHALLENGE),
    ),
    Row(
        "its query lacks a session, and nobody is asked for one",
        case.needs_person,
        Start(Act.ASK_CHALLENGE, S.AAL2_CHALLENGE),
    ),
    Row(
        "its query lacks a session, and the person was asked often enough",
        case.needs_session,
        End(R.FAILED, Reason.SESSION_REFUSED),
    ),
    Row(
        "its query lacks the HIE slot",
        lambda f, _: case.query_is(f, Q.WAITING),
        Wait(S.NETWORK_QUERY, W.HIE_SLOT),
    ),
    Row(
        "its query waits for its turn, or for the answer",
        lambda f, _: case.query_is(f, Q.DUE, Q.DISPATCHING),
        Wait(S.NETWORK_QUERY, W.NETWORK_QUERY_START),
    ),
    Row(
        "nobody knows whether Metriport runs its query",
        lambda f, _: case.query_is(f, *UNPROVEN),
        Wait(S.NETWORK_QUERY, W.NETWORK_QUERY_PROOF),
    ),
    Row("every source has failed", case.all_failed, End(R.FAILED), case.why_failed),
    Row("sources run, and there is time", case.has_time, Wait(S.NETWORK_QUERY, W.SOURCES)),
    Row(
        "the record may not be handed out (I9)",
        case.may_not_be_told,
        End(R.FAILED),
        lambda f: f.query.refused if f.query else None,
    ),
    Row(
        "every source has ended, or the deadline is near",
        lambda f, _: f.query is not None,
        Start(Act.START_RECORD, S.CONSOLIDATED_QUERY),
    ),
)
_NO_QUERY: Final = (
    Row(
        "a query with these sources runs for this subject and patient, or ended recently enough",
        lambda f, _: f.serves,
        Start(Act.JOIN_QUERY, S.NETWORK_QUERY),
    ),
    Row(
        "there is a session, and the patient's HIE slot is free",
        case.can_start,
        Start(Act.START_QUERY, S.NETWORK_QUERY),
    ),
    Row(
        "the person is asked for a challenge",
        lambda f, _: case.is_asked(f, Challenge.OPEN),
        Wait(S.AAL2_CHALLENGE, W.AAL2_CHALLENGE),
    ),
    Row(
        "the person is back",
        lambda f, _: case.is_asked(f, Challenge.RETURNED),
        Wait(S.AAL2_CHALLENGE, W.RETURN_CONFIRMATION),
    ),
    Row(
        "another HIE query runs for the patient",
        lambda f, _: not f.slot_is_free,
        Wait(S.AAL2_CHALLENGE, W.HIE_SLOT),
    ),
    Row("there is no session", case.may_ask, Start(Act.ASK_CHALLENGE, S.AAL2_CHALLENGE)),
    Row(
        "the person was asked often enough",
        lambda _f, _now: True,
        End(R.FAILED, Reason.SESSION_REQUIRED),
    ),
)

ROWS: Final[tuple[Row, ...]] = (*_OVER, *_RECORD, *_PERSON, *_QUERY, *_NO_QUERY)
