"""Record requests: what is told of their progress and of their end (I4, I9)."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from schemas.ids import LinkId, SubjectId
from schemas.reasons import Reason
from schemas.record_requests import RecordStep, WaitingFor
from schemas.sources import Source, SourceCounts, SourceProgress, SourceStatus
from service.ias.network_query import QueryState, SourceRow
from service.ias.record_request import Facts, Registration
from service.ias.record_request_steps import (
    IssuedLink,
    finished,
    goes_on,
    message,
    next_step,
    updated,
)
from service.ias.telling import head

from .record_standings import (
    BROKE,
    DAY,
    DONE,
    HIE,
    LAB,
    NOW,
    RUNS,
    ends,
    facts,
    query,
    record,
    waits,
)

PHARMACY = Source.PHARMACY
ABOUT = head(SubjectId("jane"))
LINK = IssuedLink(
    msgspec.convert("0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11", LinkId), NOW + timedelta(minutes=30)
)


def row(
    source: Source, status: SourceStatus, reason: Reason | None = None, *, early: bool = False
) -> SourceRow:
    return SourceRow(source, status, None, told_early=early, reason=reason)


def asked(*rows: SourceRow, **more: object) -> Facts:
    """A request for exactly these sources; the query that Metriport took stands so."""
    sources = {one.source: one for one in rows}
    return facts(query=query(sources=sources), wanted=frozenset(sources), **more)


EVERY_WAY = asked(
    row(HIE, DONE),
    row(PHARMACY, BROKE, Reason.SOURCE_NOT_ENABLED),
    row(LAB, RUNS),
)


@pytest.mark.parametrize(
    ("result", "reason", "why_it_runs"),
    [
        ("partial", "deadline_passed", "deadline_passed"),
        ("expired", "deadline_passed", "deadline_passed"),
        ("failed", "vendor_refused", None),
        ("cancelled", "cancelled", None),
    ],
)
def test_the_end_tells_how_and_why_and_how_each_source_stands(
    result: str, reason: str, why_it_runs: str | None
) -> None:
    """A source that runs is too late only if it was time that ended the request."""
    told = finished(ABOUT, EVERY_WAY, ends(result, reason), None)
    assert (told.result, told.reason) == (result, reason)
    assert told.sources == [
        SourceProgress(source=HIE, status=DONE),
        SourceProgress(source=PHARMACY, status=BROKE, reason="source_not_enabled"),
        SourceProgress(source=LAB, status=RUNS, reason=why_it_runs),
    ]


def test_the_end_counts_the_sources_by_how_they_stand() -> None:
    both_failed = asked(row(HIE, DONE), row(LAB, BROKE), row(PHARMACY, BROKE))
    told = finished(ABOUT, both_failed, ends("partial", "source_failed"), LINK)
    assert told.counts == SourceCounts(completed=1, failed=2, processing=0)
    all_run = asked(row(HIE, RUNS), row(LAB, RUNS), row(PHARMACY, RUNS))
    told = finished(ABOUT, all_run, ends("expired", "deadline_passed"), None)
    assert told.counts == SourceCounts(completed=0, failed=0, processing=3)


def test_the_end_names_the_link_and_when_it_dies() -> None:
    told = finished(ABOUT, asked(row(HIE, DONE)), ends("ready"), LINK)
    assert (told.link_id, told.expires_at) == (LINK.link_id, LINK.expires_at)
    told = finished(ABOUT, asked(row(HIE, DONE)), ends("ready"), None)
    assert (told.link_id, told.expires_at) == (None, None)


def test_an_update_tells_the_step_the_wait_and_until_when() -> None:
    told = updated(ABOUT, asked(row(HIE, RUNS)), waits("network_query", "sources"))
    assert (told.step, told.waiting_for) == (RecordStep.NETWORK_QUERY, WaitingFor.SOURCES)
    assert told.deadline == NOW + DAY


@pytest.mark.parametrize(
    ("status", "early", "expected"),
    [(RUNS, True, [LAB]), (RUNS, False, None), (DONE, True, None), (BROKE, True, None)],
)
def test_an_update_names_the_sources_that_have_first_data_and_still_run(
    status: SourceStatus, expected: list[Source] | None, *, early: bool
) -> None:
    standing = asked(row(HIE, RUNS), row(LAB, status, early=early))
    assert updated(ABOUT, standing, waits("network_query", "sources")).early_sources == expected


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        ([Reason.SOURCE_NOT_ENABLED], "source_not_enabled"),
        ([Reason.SOURCE_NOT_ENABLED, Reason.SOURCE_NOT_ENABLED], "source_not_enabled"),
        ([Reason.SOURCE_NOT_ENABLED, Reason.SOURCE_FAILED], "source_failed"),
        ([Reason.SOURCE_FAILED], "source_failed"),
        ([None], "source_failed"),
    ],
)
def test_a_record_that_lacks_sources_says_what_they_share(
    failed: list[Reason | None], expected: str
) -> None:
    """To ask Metriport for a source helps only if nothing else was wrong."""
    broken = [row(one, BROKE, why) for one, why in zip((PHARMACY, LAB), failed, strict=False)]
    assert next_step(asked(*broken), NOW) == ends("failed", expected)
    some = asked(row(HIE, DONE), *broken, record=record("ready"))
    assert next_step(some, NOW) == ends("partial", expected)


def test_a_source_that_the_request_did_not_ask_for_is_no_part_of_its_end() -> None:
    rows = {HIE: row(HIE, BROKE, Reason.SOURCE_NOT_ENABLED), LAB: row(LAB, BROKE)}
    joined = facts(query=query(is_own=False, sources=rows))
    assert next_step(joined, NOW) == ends("failed", "source_not_enabled")
    told = finished(ABOUT, joined, ends("failed", "source_not_enabled"), None)
    assert told.counts == SourceCounts(failed=1)


RUN_ON = {"dispatching", "started", "unknown", "resending"}


@pytest.mark.parametrize("state", list(QueryState))
def test_metriport_may_work_on_for_a_query_of_the_requests_own(state: QueryState) -> None:
    """Also where nobody knows whether it was accepted. Another request's query is not its business."""
    status = RUNS if state in RUN_ON else DONE
    assert goes_on(facts(query=query(state, status))) is (state in RUN_ON)
    assert not goes_on(facts(query=query(state, status, is_own=False)))


def test_metriport_works_on_for_a_query_that_its_deadline_ended() -> None:
    """Query and request share the deadline: which of the two ends first must not matter."""
    late = {HIE: row(HIE, DONE), LAB: row(LAB, RUNS)}
    assert goes_on(facts(query=query("partial", sources=late)))
    ended = {HIE: row(HIE, DONE), LAB: row(LAB, BROKE)}
    assert not goes_on(facts(query=query("partial", sources=ended)))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("due", False),
        ("dispatching", True),
        ("started", True),
        ("ready", False),
        ("failed", False),
    ],
)
def test_metriport_may_work_on_the_record(state: str, *, expected: bool) -> None:
    done = query("completed", DONE)
    assert goes_on(facts(query=done, record=record(state))) is expected


@pytest.mark.parametrize(
    ("registration", "asking", "expected"),
    [
        (Registration.DUE, True, True),
        (Registration.DUE, False, False),
        (Registration.REGISTERED, True, False),
        (Registration.FAILED, False, False),
        (None, True, False),
    ],
)
def test_metriport_may_still_register_a_patient_that_it_is_being_asked_for(
    registration: Registration | None, *, asking: bool, expected: bool
) -> None:
    standing = facts(registration=registration, is_registering=asking, link=None)
    assert goes_on(standing) is expected


def test_the_end_says_what_helps_and_what_goes_on() -> None:
    stopped = facts(query=query("dispatching"), cancelled=True)
    told = finished(ABOUT, stopped, ends("cancelled", "cancelled"), None)
    assert told.message == (
        "Nothing; it was cancelled on request. Metriport runs what it was sent to its end, and its "
        "events still come."
    )
    assert (told.sources, told.counts) == (None, None)
    joined = facts(query=query(is_own=False), cancelled=True)
    told = finished(ABOUT, joined, ends("cancelled", "cancelled"), None)
    assert told.message == "Nothing; it was cancelled on request."


def test_an_end_without_a_link_says_that_there_is_nothing() -> None:
    done = facts(query=query("completed", DONE))
    told = finished(ABOUT, done, ends("ready"), None)
    assert told.message == "Metriport holds nothing that fits."
    assert finished(ABOUT, done, ends("ready"), LINK).message is None


def test_no_status_of_a_source_is_told_to_whom_it_may_not_be_told() -> None:
    """I9: the identity was taken away after the query was accepted."""
    lost = facts(query=query(refused=Reason.NO_ACTIVE_IDENTITY), revoked=True)
    told = finished(ABOUT, lost, ends("failed", "revoked"), None)
    assert (told.sources, told.counts) == (None, None)


@pytest.mark.parametrize(
    ("gone", "comes"),
    [
        ({}, True),
        ({"revoked": True}, False),
        ({"query": query(refused=Reason.NO_ACTIVE_IDENTITY)}, False),
    ],
)
def test_no_events_are_promised_to_whom_nothing_may_be_told(
    gone: dict[str, Any], *, comes: bool
) -> None:
    """I9: Metriport works on, which is said, and its news is withheld."""
    text = message(facts(**{"query": query()} | gone), ends("failed", "revoked"), has_link=False)
    assert text is not None
    assert "Metriport runs what it was sent" in text
    assert ("events still come" in text) is comes
