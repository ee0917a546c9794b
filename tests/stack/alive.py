"""Whether a process exists. A zombie does not count: it has ended, its parent has not looked yet."""

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


def _state(pid: int) -> str:
    """Return the letter of the process's state, or nothing when it has gone."""
    return _state_from_proc(pid) if sys.platform == "linux" else _state_from_ps(pid)


def _state_from_proc(pid: int) -> str:
    try:
        # The name in brackets may hold spaces and brackets of its own: cut after the last one.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _state_from_ps(pid: int) -> str:
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()[:1]
