"""Starting and ending one child process. The parts of the stack are built on these functions."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
SURE_SECONDS = 10.0  # SIGKILL needs no time of the program's; this is for a machine out of breath


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a child lives.

    Attributes:
        log: Where its output goes, appended.
        cwd: The folder it runs in.
        death_signal: What the kernel sends it when we die (Linux).
        user: Numeric user and group to become, when we are root and the program refuses root.
    """

    log: Path
    cwd: Path
    death_signal: signal.Signals = signal.SIGKILL
    user: tuple[int, int] | None = None


def spawn(
    command: Sequence[str | Path], env: Mapping[str, str], terms: Terms
) -> subprocess.Popen[bytes]:
    """Start a child with exactly this environment, in a session of its own.

    Its own session keeps the terminal's Ctrl-C from it: we decide the order in which parts stop.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("start children from the main thread: they die with the thread")
    program, *arguments = map(str, command)
    program = shutil.which(program, path=env.get("PATH")) or program
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), _launch_terms(env, terms)]
    with terms.log.open("ab") as log:
        return subprocess.Popen(
            [*launcher, program, *arguments],
            env=dict(env),
            cwd=terms.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> int:
    """Send the signals in turn, each with seconds to obey; then kill the whole group.

    Returns:
        The exit code, negative for the signal that ended the process.
    """
    for number, grace in steps:
        if process.poll() is None:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)  # a frozen process would sleep through the first
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace)
    kill_group(process)
    return process.wait(SURE_SECONDS)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL the child and what it started, unless that made a session of its own."""
    if process.returncode is not None and _exists(process.pid):
        return  # while our group has members nobody gets its number: the one that has it is a stranger
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _launch_terms(env: Mapping[str, str], terms: Terms) -> str:
    uid, gid = terms.user or (None, None)
    return json.dumps(
        {
            "parent": os.getpid(),
            "death_signal": int(terms.death_signal),
            "uid": uid,
            "gid": gid,
            "environment": sorted(env),  # a starting Python may add LC_CTYPE
        },
    )
