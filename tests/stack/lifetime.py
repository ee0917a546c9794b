"""Whoever starts something stops it: in reverse order, whatever happens, signals included.

Three nets, each for what the one above lets through: ``Stack`` for everything that unwinds the
program, ``atexit`` for a part nobody stopped, the kernel's parent-death signal (Linux, see the
launcher) for a SIGKILL.
"""

import atexit
import contextlib
import os
import sys
import traceback
from types import TracebackType
from typing import Protocol, Self, TypeVar

from tests.stack import signals


class Part(Protocol):
    """Something that runs until it is stopped."""

    def start(self) -> Self:
        """Start, and return when ready."""

    def stop(self) -> None:
        """Stop and leave nothing; harmless when it was never started or already stopped."""


AnyPart = TypeVar("AnyPart", bound=Part)


class Stack:
    """A context in which parts run. Stopping signals raise ``Interrupted`` inside it.

    On the way out every part is stopped before a further signal is looked at, so a second Ctrl-C
    cannot leave half of them behind. Ctrl-backslash still ends the process at once.
    """

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._signals = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._signals.enter_context(signals.raising())
        return self

    def start(self, part: AnyPart) -> AnyPart:
        """Start the part and answer for it from now on, also when starting is interrupted."""
        self._parts.append(part)
        part.start()
        return part

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._signals, signals.deferred():
            failures = stop_all(self._parts)
        if failures and error is None:
            raise ExceptionGroup("parts of the stack did not stop cleanly", failures)


def stop_all(parts: list[Part]) -> list[Exception]:
    """Stop the parts, newest first, emptying the list; report each failure and carry on."""
    failures: list[Exception] = []
    while parts:
        part = parts.pop()
        try:
            part.stop()
        except Exception as failure:  # noqa: BLE001 - the parts below must stop too
            traceback.print_exception(failure, file=sys.stderr)
            failures.append(failure)
    return failures


_running: list[Part] = []
_owner = os.getpid()


def remember(part: Part) -> None:
    """Have the part stopped when the interpreter exits, should nobody do it before."""
    if part not in _running:
        _running.append(part)


def forget(part: Part) -> None:
    """The part has stopped."""
    if part in _running:
        _running.remove(part)


@atexit.register
def _stop_what_still_runs() -> None:
    if os.getpid() == _owner:  # not in a fork of ours
        with signals.deferred():
            stop_all(_running)
