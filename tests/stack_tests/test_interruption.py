"""Whatever ends the parent, nothing it started lives on."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.alive import is_alive
from tests.stack.folders import make_folder, remove_folder
from tests.stack.processes import Supervised
from tests.stack.waiting import wait_until

pytestmark = pytest.mark.edge

ROOT = Path(__file__).parents[2]
linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child that its parent was killed"
)


class Session:
    """``session.py`` as a child, and what it said it had started."""

    def __init__(self, folder: Path, slowness: str) -> None:
        self.child_log = folder / "child.log"
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "tests.stack_tests.session",
            self.child_log,
            slowness,
        ]
        log = folder / "session.log"
        self.process = Supervised(
            "session", command, env=os.environ, log_path=log, cwd=ROOT
        ).start()
        self.process.wait_ready(lambda: "folders" in self.process.log_tail())
        started = json.loads(self.process.log_tail().splitlines()[0])
        self.pids: list[int] = started["pids"]
        self.folders = [Path(folder) for folder in started["folders"]]

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def was_asked_to_stop(self) -> bool:
        return "asked" in self.child_log.read_text()

    def has_left_no_process(self) -> bool:
        return not any(map(is_alive, self.pids))


@pytest.fixture
def session(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Session]:
    session = Session(tmp_path, getattr(request, "param", "0"))
    try:
        assert all(map(is_alive, session.pids))
        yield session
    finally:
        session.process.stop()
        for folder in session.folders:
            remove_folder(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_parent_stops_everything(session: Session, number: signal.Signals) -> None:
    session.send(number)
    assert session.process.wait() == 128 + number, session.process.log_tail()
    wait_until(session.has_left_no_process, within=5, what="no process left")
    assert not any(folder.exists() for folder in session.folders)


@pytest.mark.parametrize("session", ["0.3"], indirect=True)
def test_a_second_signal_does_not_abort_the_clean_up(session: Session) -> None:
    session.send(signal.SIGINT)
    wait_until(session.was_asked_to_stop, within=5, what="clean-up has begun")
    session.send(signal.SIGINT)
    session.send(signal.SIGTERM)
    session.process.wait()
    wait_until(session.has_left_no_process, within=5, what="no process left")
    assert not any(folder.exists() for folder in session.folders)


@linux_only
def test_a_killed_parent_leaves_no_process_and_the_next_start_sweeps_its_folders(
    session: Session,
) -> None:
    session.send(signal.SIGKILL)
    assert session.process.wait() == -signal.SIGKILL
    wait_until(session.has_left_no_process, within=5, what="no process left")
    assert all(folder.exists() for folder in session.folders)
    for kind in ("pg", "broker"):
        remove_folder(make_folder(kind))
    assert not any(folder.exists() for folder in session.folders)
