"""A child process: its environment, readiness, end and exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import children
from tests.stack.alive import is_alive, is_frozen
from tests.stack.ports import free_port, free_ports
from tests.stack.processes import ProcessError, Supervised
from tests.stack.waiting import wait_until

pytestmark = pytest.mark.edge

OBEDIENT = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("ready", flush=True)
while True:
    signal.pause()
"""
STUBBORN = OBEDIENT.replace("lambda *_: sys.exit(7)", "signal.SIG_IGN")
WITH_BUSY_THREADS = """
import hashlib, threading
def work():
    while True:
        hashlib.sha256(bytes(1_000_000)).digest()
for _ in range(4):
    threading.Thread(target=work).start()
print("ready", flush=True)
"""
WITH_A_CHILD_OF_ITS_OWN = f"""
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", {STUBBORN!r}]).pid, flush=True)
{OBEDIENT}
"""


def supervised(folder: Path, code: str) -> Supervised:
    log = folder / "child.log"
    return Supervised("child", [sys.executable, "-c", code], env={"GIVEN": "1"}, log_path=log)


def ready(process: Supervised, lines: int = 1) -> Supervised:
    return process.wait_ready(lambda: process.log_tail().count("ready") == lines)


def test_it_gets_sigterm_and_its_exit_code_is_reported(tmp_path: Path) -> None:
    with supervised(tmp_path, OBEDIENT) as process:
        ready(process)
        before = (process.is_running, process.exit_code)
        assert process.terminate() == 7
        assert (before, process.is_running, process.exit_code) == ((True, None), False, 7)


def test_it_is_killed_when_it_does_not_obey_in_time(tmp_path: Path) -> None:
    with supervised(tmp_path, STUBBORN) as process:
        assert ready(process).terminate(grace=0.05) == -9


def test_a_frozen_process_still_gets_sigterm(tmp_path: Path) -> None:
    with supervised(tmp_path, OBEDIENT) as process:
        ready(process).freeze()
        assert process.terminate() == 7


@pytest.mark.skipif(sys.platform != "linux", reason="looks at threads in /proc")
def test_a_process_stands_still_with_all_of_its_threads_once_it_is_frozen(tmp_path: Path) -> None:
    with supervised(tmp_path, WITH_BUSY_THREADS) as process:
        ready(process)
        for _ in range(20):
            process.freeze()
            states = [stat.read_text().split()[2] for stat in _threads(process.pid)]
            assert states == ["T"] * 5
            process.thaw()
            wait_until(lambda: not is_frozen(process.pid), within=10, what="thawed")


def _threads(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").glob("*/stat"))


def test_what_it_started_itself_ends_with_it(tmp_path: Path) -> None:
    with supervised(tmp_path, WITH_A_CHILD_OF_ITS_OWN) as process:
        ready(process, lines=2)
        grandchild = int(process.log_tail().splitlines()[0])
        assert process.terminate() == 7
    wait_until(lambda: not is_alive(grandchild), within=5, what="the grandchild gone")


def test_a_stranger_that_got_the_number_of_an_ended_child_lives_on(tmp_path: Path) -> None:
    """Numbers come again within hours, and a run stops at its end what ended at its start."""
    with supervised(tmp_path, OBEDIENT) as stranger:
        ready(stranger)
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        ended.pid = stranger.pid
        assert children.end(ended) == 0
        assert stranger.is_running
        assert stranger.terminate() == 7


def test_it_sees_the_given_environment_and_nothing_else(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Supervised("env", ["env"], env={"GIVEN": "1"}, log_path=log) as process:
        assert process.wait() == 0
    assert process.log_tail() == "GIVEN=1"


def test_it_runs_in_a_session_of_its_own_with_signals_at_their_defaults(tmp_path: Path) -> None:
    code = "import os, signal; print(os.getsid(0) == os.getpid(), signal.getsignal(signal.SIGHUP))"
    with supervised(tmp_path, code) as process:
        process.wait()
    assert process.log_tail() == "True 0"


def test_it_is_ready_when_its_url_answers(tmp_path: Path) -> None:
    port = str(free_port())
    serve = [sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1"]
    log = tmp_path / "log"
    with Supervised("server", serve, env={}, log_path=log, cwd=tmp_path) as process:
        process.wait_ready(f"http://127.0.0.1:{port}/")
        with pytest.raises(ProcessError, match="not ready in"):
            process.wait_ready(f"http://127.0.0.1:{port}/missing", within=0.1)


def test_an_early_end_is_reported_with_the_log(tmp_path: Path) -> None:
    process = supervised(tmp_path, "raise SystemExit('no settings')")
    with process, pytest.raises(ProcessError, match=r"ended with 1 .*\nno settings"):
        process.wait_ready(lambda: False)


def test_it_can_be_started_again_after_its_end(tmp_path: Path) -> None:
    with supervised(tmp_path, OBEDIENT) as process:
        ready(process).kill()
        ready(process.start(), lines=2)
        assert process.terminate() == 7


def test_free_ports_differ() -> None:
    assert len(set(free_ports(50))) == 50
