"""``python -m tests.local run``: ends well, and leaves no process behind, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.local.deployment import ROOT
from tests.stack.alive import is_alive

pytestmark = pytest.mark.process


class Run:
    """The command as a process of its own, and every process that came of it."""

    def __init__(self, output: Path) -> None:
        self._output = output
        with output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.local", "run"],
                cwd=ROOT,
                env=os.environ | {"NO_COLOR": "1"},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.family = {self.process.pid}

    @property
    def output(self) -> str:
        """What it printed so far."""
        return self._output.read_text()

    def watch_until(self, there: Callable[[], bool], within: float) -> None:
        """Wait, noting descendants all the while."""
        end = time.monotonic() + within
        while not there():
            assert time.monotonic() < end, self.output
            self.family |= descendants(self.family)
            time.sleep(0.05)

    def ended(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    def left(self) -> set[int]:
        """Processes of the family that are still there."""
        return {pid for pid in self.family | descendants(self.family) if is_alive(pid)}


def descendants(family: set[int]) -> set[int]:
    """Every process below these, as ``ps`` tells."""
    command = ["ps", "-A", "-o", "pid=,ppid="]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    children: dict[int, set[int]] = {}
    for line in listing.splitlines():
        pid, parent = map(int, line.split())
        children.setdefault(parent, set()).add(pid)
    found, front = set[int](), set(family)
    while front:
        front = {child for pid in front for child in children.get(pid, set())} - found
        found |= front
    return found


@contextmanager
def run(folder: Path) -> Iterator[Run]:
    """A run, ended at the end whatever happened."""
    started = Run(folder / "output")
    try:
        yield started
    finally:
        if not started.ended():
            started.process.kill()
            started.process.wait(10)


@pytest.fixture(autouse=True)
def without_a_shared_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run brings a broker of its own."""
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)


def test_a_run_tells_the_whole_retrieval_and_leaves_no_process(tmp_path: Path) -> None:
    """What ``make run`` shows."""
    with run(tmp_path) as it:
        it.watch_until(it.ended, 90.0)
        assert it.process.returncode == 0, it.output
        assert len(it.family) > 6
        assert it.left() == set()
    assert "downloads the FHIR bundle" in it.output
    assert it.output.count("application → service") == 2  # RequestRecords, ConfirmReturn
    assert "result=ready" in it.output
    assert "purposeOfUse=ias" in it.output


@pytest.mark.parametrize(
    "moment", ["Kafka-compatible broker", "metriport-ias consumers", "waitingFor=aal2_challenge"]
)
def test_ctrl_c_leaves_no_process(tmp_path: Path, moment: str) -> None:
    """While servers start, while roles start, and in the middle of the flow."""
    with run(tmp_path) as it:
        it.watch_until(lambda: moment in it.output, 60.0)
        it.process.send_signal(signal.SIGINT)
        it.watch_until(it.ended, 30.0)
        assert it.process.returncode == 130, it.output
        assert it.left() == set()
    assert "no process is left" in it.output
