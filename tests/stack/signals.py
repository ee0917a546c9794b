"""Ctrl-C, SIGTERM and SIGHUP: turned into one exception, and held back where nothing may break.

Both parts work on Python's own handlers, so they cover all threads of the process (a signal mask
covers one) and change nothing for a child. Outside the main thread, where Python runs no handlers,
they do nothing.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], object]


class Interrupted(KeyboardInterrupt):
    """Somebody asked this process to stop; a ``KeyboardInterrupt`` so that pytest ends its run."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(self.signal.name)

    @property
    def exit_code(self) -> int:
        """What a shell reports for a process that ended by this signal."""
        return 128 + self.signal


def _raise(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


@contextlib.contextmanager
def raising() -> Iterator[None]:
    """Inside, every stopping signal raises ``Interrupted``; an ignored one (nohup) stays ignored."""
    mine = [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    with _handled(_raise, mine):
        yield


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Inside, a stopping signal waits; each kind is delivered once, at the end.

    Keep the inside bounded in time: it cannot be interrupted with Ctrl-C.
    """
    waiting: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        if number not in waiting:
            waiting.append(number)

    try:
        with _handled(remember, STOPPING):
            yield
    finally:
        for number in waiting:
            signal.raise_signal(number)


@contextlib.contextmanager
def _handled(
    handler: Handler, numbers: tuple[signal.Signals, ...] | list[signal.Signals]
) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # None is a handler that was not installed from Python and could not be put back.
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: handled for number, handled in before.items() if handled is not None}
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
