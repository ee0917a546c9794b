"""How a query advances, whatever arrives in whatever order (I1): nothing moves backwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reasons import Reason
from schemas.sources import QueryResult, Source, SourceProgress, SourceStatus
from service.ias import source_steps
from service.ias.network_query import SourceRow, Update, result, told

RUNS, DONE, FAILED = SourceStatus.PROCESSING, SourceStatus.COMPLETED, SourceStatus.FAILED
T0 = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
TIMES = st.none() | st.integers(0, 5).map(lambda minutes: T0 + timedelta(minutes=minutes))
EARLY = Update(source=Source.HIE, status=RUNS, early=True)
UPDATES = st.one_of(
    st.just(EARLY),
    st.just(Update(source=Source.HIE, status=RUNS)),
    st.builds(
        Update,
        source=st.just(Source.HIE),
        status=st.sampled_from([DONE, FAILED]),
        completed_at=TIMES,
    ),
)
START = SourceRow(Source.HIE, RUNS, None, told_early=False, reason=None)
STATUSES = st.sampled_from(list(SourceStatus))


@dataclass(frozen=True)
class State:
    """One source as the store keeps it, and what was told of it."""

    row: SourceRow = START
    news: tuple[Update, ...] = ()

    @property
    def status(self) -> SourceStatus:
        return self.row.status

    @property
    def finished_at(self) -> datetime | None:
        return self.row.finished_at


def _step(state: State, update: Update) -> State:
    """One update after another, with a note of what was told."""
    after = source_steps.after(state.row, update)
    told_now = (update,) if source_steps.step_of(state.row, update).tells else ()
    return State(row=after, news=(*state.news, *told_now))


def _run(updates: Sequence[Update]) -> State:
    state = State()
    for update in updates:
        state = _step(state, update)
    return state


@given(st.lists(UPDATES))
def test_a_finished_source_never_runs_again(updates: list[Update]) -> None:
    state = State()
    for update in updates:
        before, state = state.status, _step(state, update)
        assert before is RUNS or state.status is not RUNS


@given(st.lists(UPDATES))
def test_a_finished_source_changes_only_by_a_word_that_counts_more(updates: list[Update]) -> None:
    """A later time; a time where none was known; or ``completed`` where time cannot tell."""
    state = State()
    for update in updates:
        before, state = state, _step(state, update)
        if before.status is RUNS or state == before:
            continue
        if state.finished_at != before.finished_at:
            assert state.finished_at is not None
            assert before.finished_at is None or state.finished_at > before.finished_at
        else:
            assert (before.status, state.status) == (FAILED, DONE)


@given(st.lists(UPDATES))
def test_early_data_are_told_at_most_once_and_never_after_the_end(updates: list[Update]) -> None:
    news = _run(updates).news
    assert news.count(EARLY) <= 1
    if EARLY in news:
        assert news.index(EARLY) == 0


@given(st.lists(UPDATES), st.data())
def test_a_repeated_update_is_never_news(updates: list[Update], data: st.DataObject) -> None:
    """The same webhook again, at once or after anything that followed it."""
    state = _run(updates)
    for update in updates[-1:] if data.draw(st.booleans()) else state.news[-1:]:
        assert _step(state, update) == state


@given(st.permutations([EARLY, EARLY, Update(source=Source.HIE, status=DONE, completed_at=T0)]))
def test_one_completion_is_told_once_in_any_order(updates: list[Update]) -> None:
    state = _run([*updates, *updates])
    assert state.status is DONE
    assert len([update for update in state.news if update.status is DONE]) == 1


@given(
    one=st.integers(0, 50),
    gap=st.integers(1, 50),
    words=st.permutations([DONE, FAILED]),
    repeats=st.lists(st.booleans(), max_size=8),
)
def test_two_words_about_the_end_settle_on_the_later_in_any_order(
    one: int, gap: int, words: list[SourceStatus], repeats: list[bool]
) -> None:
    first, last = (
        Update(source=Source.HIE, status=word, completed_at=T0 + timedelta(minutes=minutes))
        for word, minutes in zip(words, (one, one + gap), strict=True)
    )
    arrivals = [last if later else first for later in repeats]
    for updates in ([first, last, *arrivals], [last, first, *arrivals], [*arrivals, last]):
        state = _run(updates)
        assert (state.status, state.finished_at) == (last.status, last.completed_at)


@pytest.mark.parametrize(
    ("current", "finished_at", "status", "completed_at", "expected"),
    [
        (RUNS, None, RUNS, None, False),
        (RUNS, None, DONE, None, True),
        (RUNS, None, FAILED, T0, True),
        (DONE, T0, DONE, T0 + timedelta(hours=1), False),
        (DONE, T0, FAILED, T0, False),
        (DONE, T0, FAILED, T0 - timedelta(seconds=1), False),
        (DONE, T0, FAILED, T0 + timedelta(milliseconds=1), True),
        (DONE, T0, FAILED, None, False),
        (DONE, None, FAILED, T0, True),
        (FAILED, T0, DONE, T0, True),
        (FAILED, None, DONE, None, True),
        (DONE, None, FAILED, None, False),
        (FAILED, T0, DONE, T0 + timedelta(seconds=1), True),
        (FAILED, T0, DONE, None, False),
        (FAILED, T0, RUNS, T0 + timedelta(hours=1), False),
    ],
)
def test_when_an_update_is_news(
    current: SourceStatus,
    finished_at: datetime | None,
    status: SourceStatus,
    completed_at: datetime | None,
    *,
    expected: bool,
) -> None:
    update = Update(source=Source.HIE, status=status, completed_at=completed_at)
    for early in (False, True):
        row = SourceRow(Source.HIE, current, finished_at, told_early=early, reason=None)
        assert bool(source_steps.step_of(row, update).tells) is expected


@given(st.dictionaries(st.sampled_from(list(Source)), STATUSES, min_size=1))
def test_there_is_no_result_while_any_source_runs(progress: dict[Source, SourceStatus]) -> None:
    assert (result(progress) is None) is (RUNS in progress.values())


@given(st.dictionaries(st.sampled_from(list(Source)), st.sampled_from([DONE, FAILED]), min_size=1))
def test_the_result_sums_up_the_sources(progress: dict[Source, SourceStatus]) -> None:
    done = list(progress.values()).count(DONE)
    if done == len(progress):
        assert result(progress) is QueryResult.COMPLETED
    elif done == 0:
        assert result(progress) is QueryResult.FAILED
    else:
        assert result(progress) is QueryResult.PARTIAL


def test_progress_is_told_with_the_reason_of_each_source() -> None:
    progress = {Source.HIE: DONE, Source.LAB: FAILED}
    assert told(progress, {Source.LAB: Reason.SOURCE_FAILED, Source.HIE: None}) == [
        SourceProgress(source=Source.HIE, status=DONE),
        SourceProgress(source=Source.LAB, status=FAILED, reason="source_failed"),
    ]
