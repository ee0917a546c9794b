"""A Postgres whose data are on a volume of their own, small enough to be filled. Root alone can mount one."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.stack import cluster
from tests.stack.postgres import EmbeddedPostgres, PostgresError

SIZE_MB = 300
WAL = {"max_wal_size": "64MB", "wal_recycle": "off"}


def can_mount() -> bool:
    """Whether a volume can be mounted here: root, and not forbidden (as in most containers)."""
    if os.geteuid() != 0:
        return False
    probe = ["unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"]
    with suppress(FileNotFoundError):
        return subprocess.run(probe, check=False, capture_output=True).returncode == 0
    return False


class PostgresOnSmallVolume(EmbeddedPostgres):
    """Its volume can be filled to the last byte, and emptied again."""

    def __init__(self) -> None:
        super().__init__(settings=WAL)
        self._mounted: Path | None = None

    @property
    def ballast(self) -> Path:
        """What takes the room away."""
        return self.folder / "data" / "ballast"

    def fill(self) -> None:
        """Leave nothing."""
        with suppress(OSError), self.ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                with suppress(OSError):
                    while file.write(b"\0" * size):
                        pass

    def free(self) -> None:
        """Give the room back."""
        self.ballast.unlink()

    def stop(self) -> None:
        """End it, and let go of the volume."""
        if self._mounted is not None:
            if self.is_running:
                self.crash()
            subprocess.run(["umount", "-l", self._mounted], check=False, capture_output=True)
            self._mounted = None
        super().stop()

    def _initialise(self) -> None:
        data = self.folder / "data"
        data.mkdir()
        cluster.terms(self.folder, signal.SIGTERM)
        owner = self.folder.stat().st_uid
        options = f"size={SIZE_MB}m,mode=0700,uid={owner}"
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(data)]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            raise PostgresError("no volume could be mounted")
        self._mounted = data
        super()._initialise()
