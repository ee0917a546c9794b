"""Whether a process exists, and whether it stands still.

A zombie does not exist: it has ended, its parent has not looked yet.
"""

import os
import subprocess
import sys
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Tell whether a process with this id is there and has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's, so it is there
    return _state(pid) not in ("", "Z", "X")


def is_frozen(pid: int) -> bool:
    """Tell whether a process is there and is stopped, with all of its threads."""
    if sys.platform != "linux":
        return _state_from_ps(pid) == "T"
    states = [_state_in(thread / "stat") for thread in Path(f"/proc/{pid}/task").glob("*")]
    return bool(states) and set(states) <= {"T", ""}


def _state(pid: int) -> str:
    """Return the letter of the process's state, or nothing when it has gone."""
    return _state_in(Path(f"/proc/{pid}/stat")) if sys.platform == "linux" else _state_from_ps(pid)


def _state_in(stat: Path) -> str:
    try:
        # The name in brackets may hold spaces and brackets of its own: cut after the last one.
        return stat.read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _state_from_ps(pid: int) -> str:
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()[:1]
