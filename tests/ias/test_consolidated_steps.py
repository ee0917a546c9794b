"""What a consolidated query does before its webhook comes, and what is told of its end."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from schemas.ids import CommandId, LinkId, PatientId, SubjectId
from schemas.reasons import REMEDIES, Reason
from service.ias.consolidated import ConsolidatedState, DataLink, NoData
from service.ias.consolidated_steps import (
    ConsolidatedStanding,
    Delivery,
    Plain,
    Refusing,
    Turn,
    on,
)
from service.ias.consolidated_table import ConsolidatedCue
from service.ias.machine import Effect
from service.ias.refusal import Refusal
from service.ias.telling import head

from .told import told

T0 = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
ABOUT = head(SubjectId("u-7781"), PatientId("p"), CommandId(UUID(int=1)))
LINK = LinkId(UUID(int=9))
NO = Refusal(Reason.NO_ACCEPTED_QUERY, "no query was accepted")
BEFORE_THE_CALL = [ConsolidatedState.DUE, ConsolidatedState.DISPATCHING]
ENDED = {ConsolidatedState.READY, ConsolidatedState.FAILED}


def query(state: ConsolidatedState, conversion_type: str = "json") -> ConsolidatedStanding:
    return ConsolidatedStanding(
        state=state, conversion_type=conversion_type, renewals=0, head=ABOUT
    )


@pytest.mark.parametrize("state", BEFORE_THE_CALL)
def test_the_vendor_is_called_for_an_entitled_subject(state: ConsolidatedState) -> None:
    """Also when the call of before was lost: repeating it is safe."""
    decision = on(query(state), Turn(None), T0)
    assert (decision.state, decision.calls) == (
        ConsolidatedState.DISPATCHING,
        (Effect.CALL_VENDOR,),
    )
    assert decision.events == ()


@pytest.mark.parametrize("state", BEFORE_THE_CALL)
def test_who_is_not_entitled_is_told_why_and_the_vendor_is_not_called(
    state: ConsolidatedState,
) -> None:
    """I9."""
    decision = on(query(state), Turn(NO), T0)
    assert (decision.state, decision.calls) == (ConsolidatedState.FAILED, ())
    assert told(decision.events) == [
        {"is": "ConsolidatedDataFailed", "reason": "no_accepted_query", "message": NO.message}
    ]


def test_a_call_that_the_vendor_refused_ends_the_query_with_its_reason() -> None:
    refusal = Refusal(Reason.PATIENT_NOT_FOUND, "there is no such patient")
    decision = on(query(ConsolidatedState.DISPATCHING), Refusing(refusal), T0)
    assert decision.state is ConsolidatedState.FAILED
    assert told(decision.events) == [
        {
            "is": "ConsolidatedDataFailed",
            "reason": "patient_not_found",
            "message": refusal.message,
        }
    ]


@pytest.mark.parametrize(
    "state", [ConsolidatedState.DUE, ConsolidatedState.STARTED, ConsolidatedState.READY]
)
def test_a_refused_call_is_news_only_while_one_is_under_way(state: ConsolidatedState) -> None:
    decision = on(query(state), Refusing(NO), T0)
    assert (decision.state, decision.events, decision.calls) == (state, (), ())


@pytest.mark.parametrize("cue", [ConsolidatedCue.NOT_SENT, ConsolidatedCue.ALREADY_DELIVERED])
def test_a_call_that_started_nothing_of_ours_is_made_again(cue: Plain) -> None:
    decision = on(query(ConsolidatedState.DISPATCHING), cue, T0)
    assert (decision.state, decision.calls) == (ConsolidatedState.DUE, (Effect.ASK_AGAIN,))
    assert decision.events == ()


@pytest.mark.parametrize(
    ("cue", "state", "reason"),
    [
        (ConsolidatedCue.EXPIRED, ConsolidatedState.STARTED, Reason.DEADLINE_PASSED),
        (ConsolidatedCue.EXPIRED, ConsolidatedState.DUE, Reason.DEADLINE_PASSED),
        (ConsolidatedCue.REVOKED, ConsolidatedState.STARTED, Reason.REVOKED),
        (ConsolidatedCue.CANCELLED, ConsolidatedState.DUE, Reason.CANCELLED),
    ],
)
def test_a_query_that_is_ended_tells_why_and_what_helps(
    cue: Plain, state: ConsolidatedState, reason: Reason
) -> None:
    decision = on(query(state), cue, T0)
    assert decision.state is ConsolidatedState.FAILED
    assert told(decision.events) == [
        {"is": "ConsolidatedDataFailed", "reason": reason, "message": REMEDIES[reason]}
    ]


@pytest.mark.parametrize("state", list(ConsolidatedState))
def test_a_query_of_somebody_who_is_erased_ends_without_a_word(state: ConsolidatedState) -> None:
    decision = on(query(state), ConsolidatedCue.ERASED, T0)
    assert decision.state is (state if state in ENDED else ConsolidatedState.FAILED)
    assert (decision.events, decision.calls) == ((), ())


@pytest.mark.parametrize(
    ("conversion_type", "media"),
    [("json", "application/json"), ("pdf", "application/pdf"), ("html", "text/html")],
)
def test_what_is_ready_tells_its_kind_its_link_and_when_that_dies(
    conversion_type: str, media: str
) -> None:
    running = query(ConsolidatedState.STARTED, conversion_type)
    link = DataLink("https://data.example/record", media, T0 + timedelta(minutes=1))
    (ready,) = told(on(running, Delivery(None, link, LINK), T0).events)
    assert ready == {
        "is": "ConsolidatedDataReady",
        "contentType": media,
        "noData": False,
        "linkId": str(LINK),
        "expiresAt": "2026-06-01T15:01:00Z",
    }
    (nothing,) = told(on(running, Delivery(None, NoData(), LINK), T0).events)
    assert nothing == {"is": "ConsolidatedDataReady", "contentType": media, "noData": True}
