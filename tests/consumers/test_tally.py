"""The rule that stops a type: a defect for many stops it, one broken caller does not."""

from itertools import count

from consumers.tally import LEAST, MOST, SECONDS, Last, Tally, is_too_bad


def _who(number: int) -> bytes:
    return f"patient-{number}".encode()


def test_when_every_message_fails_the_type_stops_at_the_fifth_subject() -> None:
    tally = Tally[str]()
    verdicts = [tally.note("type", _who(n), now=n / 10, bad=True) for n in range(LEAST)]
    assert verdicts == [False, False, False, False, True]


def test_one_subject_that_fails_a_thousand_times_stops_nobody() -> None:
    tally = Tally[str]()
    assert not any(tally.note("type", b"one", now=n / 1000, bad=True) for n in range(1000))


def test_a_defect_that_begins_late_still_stops_the_type_before_half_a_window_is_lost() -> None:
    tally = Tally[str]()
    for number in range(1000):
        tally.note("type", _who(number), now=number / 100, bad=False)
    failed = next(n for n in count(1) if tally.note("type", _who(2000 + n), now=10.0, bad=True))
    assert failed == MOST // 2


def test_a_minority_that_fails_does_not_stop_the_type() -> None:
    tally = Tally[str]()
    verdicts = [
        tally.note("type", _who(number), now=number / 100, bad=number % 3 == 0)
        for number in range(300)
    ]
    assert not any(verdicts[LEAST * 3 :])


def test_who_failed_and_then_succeeded_does_not_count_as_failed() -> None:
    tally = Tally[str]()
    for number in range(4):
        tally.note("type", _who(number), now=1.0, bad=True)
        tally.note("type", _who(number), now=2.0, bad=False)
    assert not tally.note("type", _who(9), now=3.0, bad=True)


def test_failures_of_long_ago_do_not_count() -> None:
    old = [Last(0.0, bad=True)] * 4
    assert is_too_bad([*old, Last(SECONDS, bad=True)], SECONDS)
    assert not is_too_bad([*old, Last(SECONDS + 1, bad=True)], SECONDS + 1)


def test_types_are_judged_each_by_itself() -> None:
    tally = Tally[str]()
    for number in range(4):
        tally.note("one", _who(number), now=1.0, bad=True)
    assert not tally.note("other", _who(9), now=1.0, bad=True)
    assert tally.note("one", _who(9), now=1.0, bad=True)
