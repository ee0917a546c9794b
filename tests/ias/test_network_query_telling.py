"""What the events of a network query say: which source, which reason, whose word, whose request id."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.events import (
    NetworkQueryFinished,
    NetworkQueryOutcomeUnknown,
    NetworkQueryQueued,
    NetworkQueryRefused,
    NetworkQuerySourceUpdated,
    NetworkQueryStarted,
)
from schemas.reasons import REMEDIES, Reason
from schemas.sources import PurposeOfUse, QueryResult, Source, SourceProgress, SourceStatus
from service.ias.machine import Effect
from service.ias.network_query import QueryState, SourceRow, Update
from service.ias.network_query_messages import (
    News,
    Plain,
    ProofFound,
    Refusing,
    SessionRefused,
    Standing,
)
from service.ias.network_query_steps import on, refuse_turn
from service.ias.network_query_table import QueryCue

from .orders import DONE, FAILED, RUNS, T0, VENDOR_ID, answered, standing

HIE, LAB, PHARMACY = Source.HIE, Source.LAB, Source.PHARMACY
HEAD = standing().head


def row(source: Source, status: SourceStatus, reason: Reason | None = None) -> SourceRow:
    return SourceRow(source, status, None, told_early=False, reason=reason)


def running(hie: SourceStatus = RUNS, lab: SourceStatus = RUNS, **more: Any) -> Standing:
    """A query that Metriport runs; its sources stand so."""
    rows = {HIE: row(HIE, hie)._replace(**more), LAB: row(LAB, lab)}
    return replace(standing(QueryState.STARTED), sources=rows)


@pytest.mark.parametrize(
    ("news", "expected"),
    [
        (
            News(Update(source=HIE, status=DONE, completed_at=T0), "webhook"),
            {"source": HIE, "status": DONE, "from_": "webhook"},
        ),
        (
            News(Update(source=LAB, status=FAILED, reason=Reason.SOURCE_FAILED), "poll"),
            {"source": LAB, "status": FAILED, "from_": "poll", "reason": Reason.SOURCE_FAILED},
        ),
        (
            News(Update(source=HIE, status=RUNS, early=True), "webhook"),
            {"source": HIE, "status": RUNS, "from_": "webhook", "early": True},
        ),
    ],
    ids=["completed", "failed", "first data"],
)
def test_a_source_that_moves_on_is_told_and_stored(news: News, expected: dict[str, Any]) -> None:
    decision = on(running(), news)
    assert decision.events == (NetworkQuerySourceUpdated(**HEAD, **expected),)
    assert decision.updates == (news.update,)


@pytest.mark.parametrize(
    ("query", "update"),
    [
        (running(told_early=True), Update(source=HIE, status=RUNS, early=True)),
        (running(), Update(source=HIE, status=RUNS)),
        (running(DONE, finished_at=T0), Update(source=HIE, status=DONE, completed_at=T0)),
        (running(DONE, finished_at=T0), Update(source=HIE, status=FAILED)),
        (running(), Update(source=PHARMACY, status=DONE, completed_at=T0)),
    ],
    ids=["first data again", "it runs", "the same end", "an older end", "it was not asked"],
)
def test_what_is_no_news_is_neither_told_nor_stored(query: Standing, update: Update) -> None:
    """I1."""
    decision = on(query, News(update, "webhook"))
    assert (decision.state, decision.events, decision.updates) == (QueryState.STARTED, (), ())


@pytest.mark.parametrize("state", ["waiting", "due", "dispatching", "unknown", "refused"])
def test_news_of_a_query_that_was_not_accepted_changes_nothing(state: str) -> None:
    news = News(Update(source=HIE, status=DONE, completed_at=T0), "webhook")
    decision = on(standing(QueryState(state)), news)
    assert (decision.state, decision.events, decision.updates) == (state, (), ())


def test_a_query_that_the_vendor_took_is_told_with_its_id_and_its_sources() -> None:
    """Those that the answer knows of already are told as they stand, and not once more each."""
    answer = answered(
        [{"type": "hie", "status": "processing"}, {"type": "lab", "status": "failed"}]
    )
    decision = on(standing(), answer)
    lab = SourceProgress(source=LAB, status=FAILED, reason="source_failed")
    sources = [SourceProgress(source=HIE, status=RUNS), lab]
    started = NetworkQueryStarted(**HEAD, vendor_request_id=VENDOR_ID, sources=sources)
    assert (decision.events, decision.vendor_request_id) == ((started,), VENDOR_ID)
    assert decision.calls == (Effect.PROVE_SESSION,)


def test_a_query_that_is_proved_is_told_with_its_id_and_nothing_of_its_sources_yet() -> None:
    decision = on(standing(QueryState.UNKNOWN), ProofFound(VENDOR_ID))
    sources = [SourceProgress(source=HIE, status=RUNS), SourceProgress(source=LAB, status=RUNS)]
    started = NetworkQueryStarted(**HEAD, vendor_request_id=VENDOR_ID, sources=sources)
    assert (decision.events, decision.vendor_request_id) == ((started,), VENDOR_ID)


@pytest.mark.parametrize("state", ["started", "completed", "partial", "failed"])
def test_an_answer_after_the_proof_proves_the_session_and_starts_nothing_again(state: str) -> None:
    decision = on(standing(QueryState(state)), answered())
    assert decision.state == state
    assert (decision.events, decision.calls) == ((), (Effect.PROVE_SESSION,))


def test_an_answer_after_the_proof_still_brings_its_news() -> None:
    """Also of a source that comes after one that says nothing new."""
    answer = answered(
        [{"type": "hie", "status": "in-progress"}, {"type": "lab", "status": "completed"}]
    )
    decision = on(running(), answer)
    told = NetworkQuerySourceUpdated(**HEAD, source=LAB, status=DONE, from_="response")
    assert decision.events == (told,)
    assert decision.updates == (Update(source=LAB, status=DONE),)


def test_only_the_end_of_the_hie_source_frees_the_slot() -> None:
    """Metriport skips HIE of a second query; pharmacy and lab it runs side by side."""
    hie, lab = (
        News(Update(source=one, status=DONE, completed_at=T0), "poll") for one in (HIE, LAB)
    )
    assert on(running(), hie).calls == (Effect.FREE_HIE_SLOT,)
    assert on(running(), lab).calls == ()


def test_a_query_whose_time_is_over_is_told_as_it_stands() -> None:
    rows = {HIE: row(HIE, RUNS), LAB: row(LAB, FAILED, Reason.SOURCE_NOT_ENABLED)}
    query = replace(standing(QueryState.STARTED), sources=rows)
    late = SourceProgress(source=HIE, status=RUNS, reason="deadline_passed")
    lab = SourceProgress(source=LAB, status=FAILED, reason="source_not_enabled")
    told = NetworkQueryFinished(**HEAD, status=QueryResult.PARTIAL, sources=[late, lab])
    assert on(query, QueryCue.EXPIRED).events == (told,)


def test_a_query_that_is_sent_again_is_told_as_a_resend() -> None:
    """I3: Metriport may run it twice, so this must be visible."""
    decision = on(standing(QueryState.UNKNOWN), QueryCue.RESEND)
    assert decision.events == (NetworkQueryQueued(**HEAD, resend=True),)


@pytest.mark.parametrize(
    ("state", "message", "reason"),
    [
        ("dispatching", QueryCue.UNCLEAR, Reason.VENDOR_UNCLEAR),
        ("due", QueryCue.DATABASE_CHANGED, Reason.DATABASE_CHANGED),
        ("waiting", QueryCue.DATABASE_CHANGED, Reason.DATABASE_CHANGED),
        ("resending", QueryCue.UNCLEAR, Reason.VENDOR_UNCLEAR),
        ("resending", QueryCue.DATABASE_CHANGED, Reason.DATABASE_CHANGED),
    ],
)
def test_an_unknown_outcome_says_whether_the_answer_or_the_database_was_lost(
    state: str, message: Plain, reason: Reason
) -> None:
    decision = on(standing(QueryState(state)), message)
    told = NetworkQueryOutcomeUnknown(**HEAD, reason=reason, message=REMEDIES[reason])
    assert (decision.state, decision.events) == (QueryState.UNKNOWN, (told,))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (QueryCue.EXPIRED, Reason.DEADLINE_PASSED),
        (QueryCue.REVOKED, Reason.REVOKED),
        (QueryCue.CANCELLED, Reason.CANCELLED),
    ],
)
def test_a_query_that_is_not_sent_says_why_and_what_helps(message: Plain, reason: Reason) -> None:
    decision = on(standing(QueryState.DUE), message)
    told = NetworkQueryRefused(**HEAD, reason=reason, message=REMEDIES[reason])
    assert decision.events == (told,)


def test_the_vendors_refusal_is_told_as_it_was_read() -> None:
    decision = on(standing(), Refusing(Reason.PATIENT_OPTED_OUT, "as the vendor said"))
    (told,) = decision.events
    assert told == NetworkQueryRefused(
        **HEAD, reason=Reason.PATIENT_OPTED_OUT, message="as the vendor said"
    )


@pytest.mark.parametrize(
    ("before", "can_ask", "state", "reason"),
    [
        (0, True, "waiting", None),
        (0, False, "refused", Reason.SESSION_REFUSED),
        (1, True, "refused", Reason.SESSION_REFUSED_TWICE),
        (1, False, "refused", Reason.SESSION_REFUSED_TWICE),
        (2, True, "refused", Reason.SESSION_REFUSED_TWICE),
    ],
)
def test_a_session_that_is_refused_is_asked_for_once_more_at_most(
    before: int, state: str, reason: Reason | None, *, can_ask: bool
) -> None:
    """After the second, another challenge would not help, and Metriport's status says more."""
    decision = on(standing(), SessionRefused(status=403, refused_before=before, can_ask=can_ask))
    assert decision.state == state
    told = [one for one in decision.events if isinstance(one, NetworkQueryRefused)]
    assert [one.reason for one in told] == ([] if reason is None else [reason])
    assert all("403" in one.message and REMEDIES[one.reason] in one.message for one in told)


@pytest.mark.parametrize(
    ("link", "enabled", "expected"),
    [
        (PurposeOfUse.TREATMENT, True, None),
        (PurposeOfUse.TREATMENT, False, Reason.TREATMENT_DISABLED),
        (PurposeOfUse.IAS, True, Reason.PURPOSE_NOT_ALLOWED),
        (None, True, Reason.PURPOSE_NOT_ALLOWED),
    ],
)
def test_a_treatment_query_is_sent_only_while_an_operator_allows_it(
    link: PurposeOfUse | None, expected: Reason | None, *, enabled: bool
) -> None:
    query = replace(standing(QueryState.DUE), purpose=PurposeOfUse.TREATMENT)
    assert refuse_turn(query, link, T0, treatment_enabled=enabled) is expected
