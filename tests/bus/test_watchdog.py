"""The rule that replaces a stuck consumer, with a clock of the test's own."""

from service.bus.watchdog import Seen, Verdict, Watchdog

STUCK = Seen(records=7, polls=3, busy=False, lag=5)


def _look(watchdog: Watchdog, since: float, until: float, seen: Seen) -> list[Verdict]:
    verdicts = [watchdog.look(float(now), seen) for now in range(int(since), int(until) + 1, 5)]
    return [verdict for verdict in verdicts if verdict is not Verdict.FINE]


def test_waiting_records_and_no_progress_for_thirty_seconds_replace_the_consumer() -> None:
    watchdog = Watchdog()
    assert _look(watchdog, 0, 25, STUCK) == []
    assert _look(watchdog, 30, 30, STUCK) == [Verdict.REPLACE]


def test_the_second_time_the_process_must_end() -> None:
    assert _look(Watchdog(), 0, 60, STUCK) == [Verdict.REPLACE, Verdict.GIVE_UP]


def test_records_that_come_after_the_replacement_make_it_a_first_time_again() -> None:
    watchdog = Watchdog()
    assert _look(watchdog, 0, 30, STUCK) == [Verdict.REPLACE]
    moved = STUCK._replace(records=8)
    assert _look(watchdog, 35, 65, moved) == [Verdict.REPLACE]


def test_a_moment_in_which_nothing_seems_to_wait_does_not_make_it_a_first_time_again() -> None:
    """So looks a member without partitions, while the group is being balanced."""
    watchdog = Watchdog()
    assert _look(watchdog, 0, 30, STUCK) == [Verdict.REPLACE]
    between = STUCK._replace(polls=STUCK.polls + 1, lag=0)
    assert _look(watchdog, 35, 35, between) == []
    assert _look(watchdog, 40, 70, between._replace(lag=5)) == [Verdict.GIVE_UP]


def test_polls_that_return_nothing_while_records_wait_are_no_progress() -> None:
    watchdog = Watchdog()
    seen = [STUCK._replace(polls=number) for number in range(7)]
    verdicts = [watchdog.look(number * 5.0, one) for number, one in enumerate(seen)]
    assert verdicts[-1] is Verdict.REPLACE


def test_a_consumer_with_nothing_to_do_is_left_alone() -> None:
    watchdog = Watchdog()
    for number in range(100):
        seen = Seen(records=7, polls=number, busy=False, lag=0)
        assert watchdog.look(number * 5.0, seen) is Verdict.FINE


def test_polls_that_never_return_are_found_without_any_lag() -> None:
    """K8: ``getmany`` waits for ever while a rebalance does not end."""
    assert _look(Watchdog(), 0, 30, STUCK._replace(lag=0)) == [Verdict.REPLACE]


def test_work_that_waits_for_postgres_is_not_the_consumers_fault() -> None:
    assert _look(Watchdog(), 0, 600, STUCK._replace(busy=True)) == []


def test_a_broker_that_does_not_answer_is_not_the_consumers_fault() -> None:
    assert _look(Watchdog(), 0, 115, STUCK._replace(lag=None)) == []


def test_brokers_that_do_not_answer_for_minutes_are_looked_for_anew_and_nobody_gives_up() -> None:
    """All may have other addresses now: only a new consumer asks for them by the names in the settings."""
    verdicts = _look(Watchdog(), 0, 600, STUCK._replace(lag=None))
    assert verdicts == [Verdict.REPLACE] * 5
