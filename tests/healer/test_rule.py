"""What follows from a look: what is known, the vendor's answer, the time; nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from schemas.events import DeliveryProblem
from service.gateway.healer.rule import Counts, Knowledge, Now, decide

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PAUSE = 15 * MINUTE
NOTHING = Knowledge()


def _now(after: timedelta = timedelta(0), *, well: datetime = NOON - DAY) -> Now:
    return Now(NOON + after, well, PAUSE)


ASKED = Knowledge(resent_at=NOON, expecting=5, residue=5)


@pytest.mark.parametrize(
    ("known", "counts", "resend", "wait"),
    [
        (NOTHING, Counts(0, 0), False, PAUSE),
        (NOTHING, Counts(0, 3), True, MINUTE),
        (NOTHING, Counts(1, 3), False, MINUTE),
        (NOTHING, Counts(-1, 3), False, 2 * MINUTE),
        (NOTHING, Counts(0, -1), False, 2 * MINUTE),
        (NOTHING, None, False, 2 * MINUTE),
        (ASKED, Counts(0, 5), False, MINUTE),  # nothing came of it: two minutes from noon
        (ASKED, Counts(0, 2), True, MINUTE),  # it works: go on
        (ASKED, Counts(0, 0), False, PAUSE),
        (ASKED, Counts(4, 1), False, MINUTE),
    ],
)
def test_a_resend_is_asked_for_when_failures_stand_and_nothing_is_being_sent(
    known: Knowledge, counts: Counts | None, *, resend: bool, wait: timedelta
) -> None:
    verdict = decide(known, counts, _now(MINUTE))
    assert (verdict.resend, verdict.wait) == (resend, wait)


def test_what_fell_is_counted_and_the_end_is_told_once() -> None:
    verdict = decide(ASKED, Counts(0, 2), _now(MINUTE))
    assert (verdict.recovered, verdict.healed) == (3, False)
    verdict = decide(verdict.knowledge, Counts(0, 0), _now(2 * MINUTE))
    assert (verdict.recovered, verdict.healed) == (2, True)
    verdict = decide(verdict.knowledge, Counts(0, 0), _now(3 * MINUTE))
    assert (verdict.recovered, verdict.healed) == (0, False)


def test_a_residue_that_never_shrinks_is_asked_for_ever_more_seldom_told_and_then_left() -> None:
    known, at = NOTHING, timedelta(0)
    asked: list[timedelta] = []
    alarms: list[DeliveryProblem] = []
    while at < 30 * DAY:
        verdict = decide(known, Counts(0, 4), _now(at))
        asked += [at] if verdict.resend else []
        alarms += [verdict.alarm] if verdict.alarm else []
        known, at = verdict.knowledge, at + verdict.wait
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert gaps[:3] == [2 * MINUTE, 4 * MINUTE, 8 * MINUTE]
    assert gaps == sorted(gaps)
    assert gaps[-1] == DAY
    assert len(asked) == 14
    assert alarms == [DeliveryProblem.DOES_NOT_FALL, DeliveryProblem.STOPPED]


STOPPED = Knowledge(
    resent_at=NOON, residue=4, fruitless=14, stopped_at=4, problem=DeliveryProblem.STOPPED
)


def test_what_was_left_alone_is_taken_up_when_more_fails_or_an_ingress_comes_back() -> None:
    late = 2 * DAY
    assert not decide(STOPPED, Counts(0, 4), _now(late)).resend
    assert decide(STOPPED, Counts(0, 5), _now(late)).resend
    assert decide(STOPPED, Counts(0, 4), _now(late, well=NOON + DAY)).resend


def test_an_ingress_that_came_back_ends_the_pause_but_not_the_shortest_one() -> None:
    """No more than one re-send a minute, whatever restarts."""
    known = replace(ASKED, expecting=None, fruitless=10)
    back = NOON + timedelta(seconds=5)
    assert not decide(known, Counts(0, 5), _now(2 * MINUTE)).resend
    assert decide(known, Counts(0, 5), _now(2 * MINUTE, well=back)).resend
    assert not decide(known, Counts(0, 5), _now(MINUTE / 2, well=back)).resend


def test_sending_that_does_not_progress_is_told_and_one_that_does_is_not() -> None:
    known = NOTHING
    for minute in range(120):
        verdict = decide(known, Counts(200 - minute, 9), _now(minute * MINUTE))
        assert (verdict.resend, verdict.alarm) == (False, None)
        known = verdict.knowledge
    alarms = []
    for minute in range(120, 200):
        verdict = decide(known, Counts(81, 9), _now(minute * MINUTE))
        assert not verdict.resend
        alarms += [verdict.alarm] if verdict.alarm else []
        known = verdict.knowledge
    assert alarms == [DeliveryProblem.PROCESSING_HANGS]
    assert decide(known, Counts(0, 9), _now(201 * MINUTE)).resend


def test_counts_that_the_vendor_does_not_know_are_told_once_after_three_looks() -> None:
    known, alarms = NOTHING, []
    for _ in range(6):
        verdict = decide(known, Counts(0, -1), _now())
        alarms.append(verdict.alarm)
        known = verdict.knowledge
    assert alarms == [None, None, DeliveryProblem.COUNT_UNKNOWN, None, None, None]
    assert decide(known, Counts(0, 0), _now()).healed
