"""The stack's order, failures and signals, without a single process."""

import signal
from collections.abc import Callable
from typing import Self

import pytest

from tests.stack import signals
from tests.stack.lifetime import Stack

pytestmark = pytest.mark.edge


class Noted:
    """A part that notes what happens to it."""

    def __init__(
        self,
        name: str,
        notes: list[str],
        *,
        fails: str = "",
        on_stop: signal.Signals | None = None,
    ) -> None:
        self.name, self.notes, self.fails, self.on_stop = name, notes, fails, on_stop

    def start(self) -> Self:
        return self._note("start")

    def stop(self) -> None:
        if self.on_stop:
            signal.raise_signal(self.on_stop)
        self._note("stop")

    def _note(self, what: str) -> Self:
        self.notes.append(f"{what} {self.name}")
        if self.fails == what:
            raise ValueError(self.name)
        return self


def run(*parts: Noted, then: Callable[[], None] = lambda: None) -> None:
    with Stack() as stack:
        for part in parts:
            stack.start(part)
        then()


def test_parts_stop_in_reverse_order() -> None:
    notes: list[str] = []
    run(Noted("a", notes), Noted("b", notes))
    assert notes == ["start a", "start b", "stop b", "stop a"]


def test_a_part_that_fails_to_start_is_stopped_like_the_others() -> None:
    notes: list[str] = []
    with pytest.raises(ValueError, match="b"):
        run(Noted("a", notes), Noted("b", notes, fails="start"))
    assert notes[-2:] == ["stop b", "stop a"]


def test_a_part_that_fails_to_stop_is_reported_after_the_others_have_stopped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    notes: list[str] = []
    with pytest.raises(ExceptionGroup, match="did not stop") as raised:
        run(Noted("a", notes), Noted("b", notes, fails="stop"))
    assert notes[-2:] == ["stop b", "stop a"]
    assert [str(failure) for failure in raised.value.exceptions] == ["b"]
    assert "ValueError: b" in capsys.readouterr().err


@pytest.mark.parametrize("number", signals.STOPPING)
def test_a_signal_ends_the_context_and_handlers_are_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    notes: list[str] = []
    with pytest.raises(signals.Interrupted) as raised:
        run(Noted("a", notes), then=lambda: signal.raise_signal(number))
    assert raised.value.exit_code == 128 + number
    assert notes == ["start a", "stop a"]
    assert signal.getsignal(number) is before


def test_a_signal_that_comes_while_parts_stop_arrives_when_all_have_stopped() -> None:
    notes: list[str] = []
    with pytest.raises(signals.Interrupted):
        run(Noted("a", notes), Noted("b", notes, on_stop=signal.SIGTERM))
    assert notes[-2:] == ["stop b", "stop a"]


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stack():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
