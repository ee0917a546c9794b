"""One folder per part, named after the process that owns it, gone when the part is.

``ias-<kind>-<pid>-<random>``: a run that is killed cannot remove its folders, so every start
removes those whose process no longer exists.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

from tests.stack.alive import is_alive
from tests.stack.waiting import wait_until

MEMORY = Path("/dev/shm")  # noqa: S108 - not a file name: a memory-backed folder where Linux has one
ENOUGH = 2 * 1024**3  # one cluster with its write-ahead log; a container's default is 64 MB
REMOVAL_SECONDS = 5.0


def make_folder(kind: str) -> Path:
    """Create an empty folder for one part, after sweeping what dead processes left."""
    roots = [root for root in (MEMORY, _fallback()) if root.is_dir()]
    for root in roots:
        _sweep(root, kind)
    root = next((root for root in roots if _has_room(root)), roots[-1])
    return Path(tempfile.mkdtemp(prefix=f"ias-{kind}-{os.getpid()}-", dir=root))


def remove_folder(folder: Path) -> None:
    """Remove the folder, again if a dying process was still writing into it."""

    def gone() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    wait_until(gone, within=REMOVAL_SECONDS, what=f"{folder} can be removed")


def tail(log: Path, lines: int = 25) -> str:
    """Return the last lines of a log, for an error message."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _fallback() -> Path:
    # Root's server runs as somebody else, who may not enter a private temporary folder of root's.
    return Path("/tmp" if os.geteuid() == 0 else tempfile.gettempdir())  # noqa: S108 - mkdtemp inside


def _has_room(root: Path) -> bool:
    return os.access(root, os.W_OK | os.X_OK) and shutil.disk_usage(root).free >= ENOUGH


def _sweep(root: Path, kind: str) -> None:
    for folder in root.glob(f"ias-{kind}-*"):
        named = re.fullmatch(rf"ias-{kind}-(\d+)-\w+", folder.name)
        if named and not folder.is_symlink() and not is_alive(int(named[1])):
            shutil.rmtree(folder, ignore_errors=True)  # another run may be sweeping it too
