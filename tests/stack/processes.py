"""One child process of ours, from its explicit environment to its exit code."""

import http.client
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from tests.stack import children, lifetime, signals
from tests.stack.alive import is_frozen
from tests.stack.folders import tail
from tests.stack.waiting import DeadlineError, wait_until

GRACE_SECONDS = 10.0
PROBE_SECONDS = 1.0
FREEZE_SECONDS = 10.0


class ProcessError(RuntimeError):
    """The process is not in the state that was asked for; the message shows the end of its log."""


class Supervised:
    """A child process with its own session and its output in a file.

    Dies with us (Linux: also when we are SIGKILLed). Can be started again after it has ended; the
    log is appended to.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        log_path: Path,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._command = list(command)
        self._env = dict(env)
        self._terms = children.Terms(log=log_path, cwd=cwd or Path.cwd())
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start without waiting for readiness. Main thread only."""
        if self.is_running:
            raise ProcessError(f"{self.name} runs already, as {self.pid}")
        lifetime.remember(self)
        with signals.deferred():
            self._process = children.spawn(self._command, self._env, self._terms)
        return self

    @property
    def pid(self) -> int:
        """The id of the process; it stays after the end."""
        return self._started().pid

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; ``None`` while it runs."""
        return self._started().poll()

    def wait_ready(self, probe: str | Callable[[], bool], *, within: float = 20.0) -> Self:
        """Wait until the URL answers 2xx, or the predicate is true; fail at once if it ends."""

        def ready() -> bool:
            if not self.is_running:
                raise ProcessError(self._story(f"ended with {self.exit_code} before it was ready"))
            return answers(probe) if isinstance(probe, str) else probe()

        try:
            wait_until(ready, within=within, what=f"{self.name} ready")
        except DeadlineError as late:
            raise ProcessError(self._story(f"was not ready in {within:g} s")) from late
        return self

    def wait(self, *, within: float = 20.0) -> int:
        """Wait until it ends by itself and return its exit code."""
        try:
            return self._started().wait(within)
        except subprocess.TimeoutExpired as late:
            raise ProcessError(self._story(f"did not end in {within:g} s")) from late

    def terminate(self, grace: float = GRACE_SECONDS) -> int:
        """SIGTERM, after ``grace`` seconds SIGKILL; return the exit code (-9: it had to be killed)."""
        return self._end((signal.SIGTERM, grace))

    def kill(self) -> int:
        """SIGKILL, for it and for what it started."""
        return self._end()

    def freeze(self) -> None:
        """SIGSTOP: its connections stay open and nothing answers, from when this returns.

        The signal alone stops nobody yet: on a busy machine other threads went on for longer than a question
        and its answer take.
        """
        self._started().send_signal(signal.SIGSTOP)
        wait_until(self._stands_still, within=FREEZE_SECONDS, what=f"{self.name} frozen")

    def thaw(self) -> None:
        """SIGCONT."""
        self._started().send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Terminate it if it was started."""
        if self._process is not None:
            self.terminate()
        lifetime.forget(self)

    def log_tail(self, lines: int = 25) -> str:
        """The last lines of its output."""
        return tail(self.log_path, lines)

    def _end(self, *steps: tuple[signal.Signals, float]) -> int:
        process = self._started()
        with signals.deferred():
            code = children.end(process, *steps)
            lifetime.forget(self)
        return code

    def _stands_still(self) -> bool:
        return not self.is_running or is_frozen(self.pid)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ProcessError(f"{self.name} was not started")
        return self._process

    def _story(self, what: str) -> str:
        return f"{self.name} {what}\n{self.log_tail()}"


def answers(url: str) -> bool:
    """Tell whether a GET of this http URL is answered with 2xx."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", f"{parts.path or '/'}?{parts.query}".rstrip("?"))
        return connection.getresponse().status // 100 == 2
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
