"""When the ingress stops asking Kafka."""

from dataclasses import dataclass

from service.ingress.breaker import MOMENT_SECONDS, Breaker


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def _miss(breaker: Breaker, clock: Clock, times: int) -> None:
    """Misses of different moments."""
    for _ in range(times):
        clock.now += MOMENT_SECONDS
        breaker.failed()


def test_two_misses_in_a_row_change_nothing() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    _miss(breaker, clock, 2)
    assert breaker.allows()
    assert breaker.allows()


def test_an_answer_in_between_starts_the_count_again() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(10):
        _miss(breaker, clock, 2)
        breaker.succeeded()
    assert not breaker.is_open


def test_after_three_misses_one_record_a_second_may_try_kafka() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    _miss(breaker, clock, 3)
    assert [breaker.allows() for _ in range(5)] == [False] * 5
    clock.now += 1.0
    assert [breaker.allows() for _ in range(5)] == [True, False, False, False, False]


def test_one_answer_closes_it_again() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    _miss(breaker, clock, 3)
    clock.now += 1.0
    assert breaker.allows()
    breaker.succeeded()
    assert not breaker.is_open
    assert [breaker.allows() for _ in range(5)] == [True] * 5


def test_all_that_misses_in_one_moment_is_one_miss() -> None:
    """A process that stood still finds everything under way too late, and Kafka quite well."""
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(200):
        breaker.failed()
    assert not breaker.is_open
    _miss(breaker, clock, 2)
    assert breaker.is_open
