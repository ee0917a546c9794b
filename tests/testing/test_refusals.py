"""What the double says no to, and how Metriport can be made to refuse."""

from datetime import timedelta
from typing import Any

import pytest

from schemas import commands as c
from schemas import events as e
from schemas.base import Command, Event
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse, QueryResult, Source, SourceSelection, SourceStatus
from service.testing import IasDouble, Terms
from tests.testing.cast import ALL, ANN, BACK, BOB, HIE, JANE, Member


@pytest.mark.parametrize(
    ("kind", "fields", "event", "reason"),
    [
        (
            c.StartIdentityVerification,
            {"return_url": BACK},
            e.IdentityVerificationFailed,
            Reason.PATIENT_NOT_LINKED,
        ),
        (
            c.StartAal2Challenge,
            {"return_url": BACK},
            e.Aal2ChallengeFailed,
            Reason.PATIENT_NOT_LINKED,
        ),
        (
            c.StartNetworkQuery,
            {"sources": ALL, "purpose_of_use": PurposeOfUse.IAS},
            e.NetworkQueryRefused,
            Reason.PATIENT_NOT_LINKED,
        ),
        (
            c.StartNetworkQuery,
            {"sources": SourceSelection()},
            e.CommandRejected,
            Reason.INVALID_FIELD,
        ),
        (c.StartConsolidatedQuery, {}, e.ConsolidatedDataFailed, Reason.PATIENT_NOT_LINKED),
        (c.RevokeIdentity, {"reason": "asked"}, e.CommandRejected, Reason.PATIENT_NOT_LINKED),
    ],
)
def test_a_stranger_is_refused(
    ann: Member, kind: type[Command], fields: dict[str, Any], event: type[Event], reason: Reason
) -> None:
    (told,) = ann.about(kind, **fields)
    assert isinstance(told.message, event)
    assert told.message.reason is reason  # type: ignore[attr-defined]


def test_a_return_url_must_be_on_the_list() -> None:
    ann = Member(IasDouble(terms=Terms(return_urls=frozenset({BACK})))).registered()
    ann.about(c.StartIdentityVerification, return_url=f"{BACK}/elsewhere")
    assert ann.last(e.CommandRejected).reason is Reason.RETURN_URL_NOT_ALLOWED
    ann.about(c.StartIdentityVerification, return_url=BACK)
    assert ann.names()[-1] == "UserActionRequired"


def test_nothing_is_queried_without_a_session_that_was_confirmed(ann: Member) -> None:
    ann.proofed().about(c.StartAal2Challenge, return_url=BACK)
    code = ann.double.person_answers_challenge(ANN)
    ann.query()
    assert ann.last(e.NetworkQueryRefused).reason is Reason.SESSION_REQUIRED
    ann.send(c.ConfirmReturn, code=code)
    ann.query()
    assert ann.names()[-1] == "NetworkQueryStarted"


def test_a_code_works_once_and_for_its_own_subject(ann: Member) -> None:
    ann.proofed().about(c.StartAal2Challenge, return_url=BACK)
    code = ann.double.person_answers_challenge(ANN)
    bob = Member(ann.double, BOB)
    bob.send(c.ConfirmReturn, code=code)
    assert bob.last(e.CommandRejected).reason is Reason.CODE_INVALID
    ann.send(c.ConfirmReturn, code=code)
    ann.send(c.ConfirmReturn, code=code)
    assert ann.names()[-2:] == ["ReturnConfirmed", "CommandRejected"]


def test_a_code_that_nobody_came_back_with_is_refused_after_a_minute(ann: Member) -> None:
    """While the challenge is open its return may only be late; as in the service, once for a code."""
    ann.proofed().about(c.StartAal2Challenge, return_url=BACK)
    before = len(ann.names())
    ann.send(c.ConfirmReturn, code="x" * 16)
    assert len(ann.names()) == before
    ann.send(c.ConfirmReturn, code="x" * 16)
    assert ann.names()[before:] == ["CommandRejected"]
    ann.double.time_passes(timedelta(seconds=59))
    assert ann.names()[before:] == ["CommandRejected"]
    ann.double.time_passes(timedelta(seconds=2))
    assert ann.names()[before:] == ["CommandRejected"] * 2
    ann.send(c.ConfirmReturn, code=ann.double.person_answers_challenge(ANN))
    assert ann.names()[-1] == "ReturnConfirmed"


def test_no_data_goes_to_whom_no_query_was_accepted_for(ann: Member) -> None:
    ann.ready().about(c.StartConsolidatedQuery)
    assert ann.last(e.ConsolidatedDataFailed).reason is Reason.NO_ACCEPTED_QUERY


def test_sources_end_the_query_and_a_failed_one_makes_it_partial(ann: Member) -> None:
    ann.ready().query()
    ann.double.vendor_brings_first_data(ANN, Source.HIE)
    ann.double.vendor_finishes(ANN, Source.HIE)
    ann.double.vendor_finishes(ANN, Source.PHARMACY, SourceStatus.FAILED)
    told = ann.double.vendor_finishes(ANN, Source.LAB)
    finished = told[-1].message
    assert isinstance(finished, e.NetworkQueryFinished)
    assert finished.status is QueryResult.PARTIAL
    failed = {one.source: one.reason for one in finished.sources if one.reason}
    assert failed == {Source.PHARMACY: Reason.SOURCE_FAILED}


def test_a_second_query_with_hie_waits_for_the_first(ann: Member) -> None:
    ann.ready().query(HIE)
    assert [type(told.message) for told in ann.query(HIE)] == [e.NetworkQueryQueued]
    told = ann.double.vendor_finishes(ANN, Source.HIE)
    assert isinstance(told[-1].message, e.NetworkQueryStarted)


@pytest.mark.parametrize(
    ("reason", "event"),
    [
        (Reason.PATIENT_OPTED_OUT, e.NetworkQueryRefused),
        (Reason.VENDOR_UNCLEAR, e.NetworkQueryOutcomeUnknown),
    ],
)
def test_the_next_query_is_refused_and_the_one_after_is_not(
    ann: Member, reason: Reason, event: type[Event]
) -> None:
    ann.ready().double.refuse_next(reason)
    told = ann.query(SourceSelection(lab=True))
    assert [type(one.message) for one in told] == [e.NetworkQueryQueued, event]
    ann.query(SourceSelection(lab=True))
    assert ann.names()[-1] == "NetworkQueryStarted"


def test_a_query_of_unknown_outcome_is_proved_by_its_webhook(ann: Member) -> None:
    ann.ready().double.refuse_next(Reason.VENDOR_UNCLEAR)
    ann.query(HIE)
    told = ann.double.vendor_finishes(ANN, Source.HIE)
    assert [type(one.message) for one in told] == [
        e.NetworkQueryStarted,
        e.NetworkQuerySourceUpdated,
        e.NetworkQueryFinished,
    ]


def test_a_refused_session_asks_the_person_once_and_the_query_goes_on(ann: Member) -> None:
    ann.ready().double.refuse_next(Reason.SESSION_REFUSED)
    ann.query()
    assert ann.names()[-1] == "UserActionRequired"
    ann.answer()
    assert ann.names()[-4:] == [
        "Aal2SessionReceived",
        "ReturnConfirmed",
        "Aal2SessionActivated",
        "NetworkQueryStarted",
    ]


def test_a_session_that_is_refused_twice_ends_the_query(ann: Member) -> None:
    ann.ready().double.refuse_next(Reason.SESSION_REFUSED)
    ann.query()
    ann.double.refuse_next(Reason.SESSION_REFUSED)
    ann.answer()
    assert ann.last(e.NetworkQueryRefused).reason is Reason.SESSION_REFUSED_TWICE


@pytest.mark.parametrize(
    ("kind", "fields", "event"),
    [
        (
            c.RegisterPatient,
            {"purpose": PurposeOfUse.IAS, "demographics": JANE},
            e.PatientRegistrationFailed,
        ),
        (
            c.LinkPatient,
            {"patient_id": "p", "purpose": PurposeOfUse.IAS},
            e.PatientRegistrationFailed,
        ),
        (
            c.RequestRecords,
            {"sources": ALL, "return_url": BACK, "demographics": JANE},
            e.RecordRequestFinished,
        ),
    ],
)
def test_any_call_can_be_refused(
    ann: Member, kind: type[Command], fields: dict[str, Any], event: type[Event]
) -> None:
    ann.double.refuse_next(Reason.VENDOR_REFUSED)
    told = [one.message for one in ann.send(kind, **fields) if isinstance(one.message, event)]
    assert told[-1].reason is Reason.VENDOR_REFUSED  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("brings", "event", "reason"),
    [
        ("no_data", e.ConsolidatedDataReady, None),
        ("failure", e.ConsolidatedDataFailed, Reason.VENDOR_REFUSED),
        ("dead_link", e.ConsolidatedDataFailed, Reason.LINK_EXPIRED),
    ],
)
def test_a_record_may_be_empty_or_not_come(
    ann: Member, brings: Any, event: type[Event], reason: Reason | None
) -> None:
    ann.ready().query()
    ann.about(c.StartConsolidatedQuery)
    (told,) = ann.double.vendor_delivers(ANN, brings)
    assert isinstance(told.message, event)
    assert getattr(told.message, "reason", None) is reason


def test_a_data_link_is_renewed_under_another_request_id(ann: Member) -> None:
    ann.ready().query()
    ann.about(c.StartConsolidatedQuery)
    ann.double.vendor_delivers(ANN)
    first = ann.last(e.ConsolidatedDataReady)
    ann.send(c.RenewDataLink, request_id=first.request_id)
    ann.double.vendor_delivers(ANN)
    second = ann.last(e.ConsolidatedDataReady)
    assert second.request_id != first.request_id
    assert second.link_id != first.link_id
