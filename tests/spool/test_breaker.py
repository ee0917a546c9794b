"""When the ingress stops asking Kafka."""

from dataclasses import dataclass

from service.ingress.breaker import Breaker


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def test_two_misses_in_a_row_change_nothing() -> None:
    breaker = Breaker(Clock())
    breaker.failed()
    breaker.failed()
    assert breaker.allows()
    assert breaker.allows()


def test_an_answer_in_between_starts_the_count_again() -> None:
    breaker = Breaker(Clock())
    for _ in range(10):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert not breaker.is_open


def test_after_three_misses_one_record_a_second_may_try_kafka() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(3):
        breaker.failed()
    assert [breaker.allows() for _ in range(5)] == [False] * 5
    clock.now += 1.0
    assert [breaker.allows() for _ in range(5)] == [True, False, False, False, False]


def test_one_answer_closes_it_again() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(3):
        breaker.failed()
    clock.now += 1.0
    assert breaker.allows()
    breaker.succeeded()
    assert not breaker.is_open
    assert [breaker.allows() for _ in range(5)] == [True] * 5
