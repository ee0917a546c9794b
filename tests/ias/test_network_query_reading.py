"""What answers and webhooks say about a network query, held against the vendor's samples."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.metriport.api import NetworkQuery as Answer
from schemas.metriport.webhooks import NetworkSource
from schemas.reasons import Reason
from schemas.sources import PurposeOfUse, QueryResult, Source, SourceStatus
from service.ias.network_query import (
    Update,
    read_answer,
    read_status,
    read_webhook,
    refuse_start,
    result,
)

from .samples import answer, network_query

HIE, PHARMACY, LAB = Source.HIE, Source.PHARMACY, Source.LAB
ALL = (HIE, PHARMACY, LAB)
RUNS, DONE, FAILED = SourceStatus.PROCESSING, SourceStatus.COMPLETED, SourceStatus.FAILED
NOT_ENABLED, BROKEN = Reason.SOURCE_NOT_ENABLED, Reason.SOURCE_FAILED
HIE_DONE = datetime(2026, 6, 1, 15, 9, 30, 997000, tzinfo=UTC)
PHARMACY_DONE = datetime(2026, 6, 1, 16, 40, 12, 551000, tzinfo=UTC)


def _answer(sources: list[Any], errors: list[Any]) -> Answer:
    raw = {"requestId": "r", "status": "processing", "sources": sources, "errors": errors}
    return msgspec.convert(raw, Answer)


def _row(status: str, completed_at: str | None = None, kind: str = "hie") -> dict[str, Any]:
    row = {"type": kind, "status": status}
    return row if completed_at is None else {**row, "completedAt": completed_at}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("start-network-query.response.all-started", [(RUNS, None), (RUNS, None), (RUNS, None)]),
        (
            "start-network-query.response.partial-errors",
            [(RUNS, None), (FAILED, NOT_ENABLED), (FAILED, BROKEN)],
        ),
        ("get-network-query.response.processing", [(DONE, None), (RUNS, None), (RUNS, None)]),
        ("get-network-query.response.completed", [(DONE, None), (DONE, None), (DONE, None)]),
        ("get-network-query.response.partial", [(DONE, None), (DONE, None), (FAILED, BROKEN)]),
        (
            "get-network-query.response.failed",
            [(FAILED, BROKEN), (FAILED, NOT_ENABLED), (FAILED, NOT_ENABLED)],
        ),
    ],
)
def test_each_sample_answer_is_read(
    name: str, expected: list[tuple[SourceStatus, Reason | None]]
) -> None:
    updates = read_answer(answer(f"api.{name}"), ALL)
    assert [update.source for update in updates] == list(ALL)
    assert [(update.status, update.reason) for update in updates] == expected


def test_a_2xx_can_hide_that_everything_failed() -> None:
    (update,) = read_answer(answer("api.start-network-query.response.all-failed"), [HIE])
    assert (update.status, update.reason) == (FAILED, BROKEN)
    assert result({update.source: update.status}) is QueryResult.FAILED


def test_a_source_that_nobody_mentions_is_running() -> None:
    (update,) = read_answer(_answer([], []), [LAB])
    assert update == Update(source=LAB, status=RUNS)


def test_sources_that_we_did_not_ask_for_are_left_out() -> None:
    assert read_answer(answer("api.get-network-query.response.completed"), [HIE]) == [
        Update(source=HIE, status=DONE, completed_at=HIE_DONE)
    ]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["completed", "processing"], RUNS),
        (["failed", "in-progress"], RUNS),
        (["failed", "completed"], DONE),
        (["completed", "completed"], DONE),
        (["failed", "failed"], FAILED),
        (["converted"], RUNS),
    ],
)
def test_a_repeated_source_is_folded_whatever_the_order(
    statuses: list[str], expected: SourceStatus
) -> None:
    for order in (statuses, statuses[::-1]):
        (update,) = read_answer(_answer([_row(status) for status in order], []), [HIE])
        assert update.status is expected


def test_a_folded_source_was_finished_at_its_latest_row() -> None:
    early, late = "2026-06-01T15:00:00.000Z", "2026-06-01T15:09:30.997Z"
    rows = [_row("completed", late), _row("completed", early), _row("completed")]
    (update,) = read_answer(_answer(rows, []), [HIE])
    assert update.completed_at == HIE_DONE


def test_a_source_that_runs_despite_an_error_is_running() -> None:
    errors = [{"source": "hie", "httpStatus": 500}]
    (update,) = read_answer(_answer([_row("processing")], errors), [HIE])
    assert (update.status, update.reason) == (RUNS, None)


def test_an_error_without_a_status_is_a_failure() -> None:
    (update,) = read_answer(_answer([], [{"source": "hie"}]), [HIE])
    assert (update.status, update.reason) == (FAILED, BROKEN)


@given(word=st.text())
def test_any_word_that_is_not_final_means_processing(word: str) -> None:
    expected = {"completed": DONE, "failed": FAILED}.get(word, RUNS)
    assert read_status(word) is expected


@pytest.mark.parametrize("word", ["processing", "in-progress", "Completed", "COMPLETED", "partial"])
def test_words_that_look_final_are_not(word: str) -> None:
    assert read_status(word) is RUNS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hie.completed", Update(source=HIE, status=DONE, completed_at=HIE_DONE)),
        ("hie.completed.treatment", Update(source=HIE, status=DONE, completed_at=HIE_DONE)),
        (
            "hie.failed",
            Update(
                source=HIE,
                status=FAILED,
                completed_at=datetime(2026, 6, 1, 15, 20, 1, 700000, tzinfo=UTC),
                reason=BROKEN,
            ),
        ),
        ("hie.first-data-ready", Update(source=HIE, status=RUNS, early=True)),
        ("pharmacy.completed", Update(source=PHARMACY, status=DONE, completed_at=PHARMACY_DONE)),
        (
            "lab.completed",
            Update(
                source=LAB,
                status=DONE,
                completed_at=datetime(2026, 6, 2, 3, 15, 45, 1000, tzinfo=UTC),
            ),
        ),
    ],
)
def test_each_sample_webhook_is_read(name: str, expected: Update) -> None:
    webhook = network_query(f"webhook.network-query.{name}")
    assert read_webhook(webhook.meta.type, webhook.payload.source) == expected


@pytest.mark.parametrize("status", ["processing", "completed", "failed"])
def test_first_data_ready_is_never_final_whatever_it_says(status: str) -> None:
    source = NetworkSource(type="hie", status=status, completed_at=HIE_DONE)
    update = read_webhook("network-query.hie.first-data-ready", source)
    assert update == Update(source=HIE, status=RUNS, early=True)


@pytest.mark.parametrize("kind", ["laboratory", "HIE", "", "imaging"])
def test_a_source_that_we_do_not_know_is_no_update(kind: str) -> None:
    assert read_webhook("network-query.hie", NetworkSource(type=kind, status="completed")) is None


@pytest.mark.parametrize(
    ("identity", "session", "expected"),
    [
        (True, True, None),
        (False, True, Reason.NO_ACTIVE_IDENTITY),
        (True, False, Reason.SESSION_REQUIRED),
        (False, False, Reason.NO_ACTIVE_IDENTITY),
    ],
)
def test_an_ias_query_needs_identity_and_session_and_a_treatment_query_neither(
    *, identity: bool, session: bool, expected: Reason | None
) -> None:
    """I2."""
    given_facts = {"has_active_identity": identity, "has_usable_session": session}
    refused = refuse_start(PurposeOfUse.IAS, **given_facts)
    assert (refused.reason if refused else None) is expected
    assert refuse_start(PurposeOfUse.TREATMENT, **given_facts) is None
