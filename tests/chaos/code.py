"""Which code a run is about: the commit, and a digest of the files that a result depends on."""

import hashlib
import subprocess
from pathlib import Path
from typing import Final, NamedTuple, Self

ROOT: Final = Path(__file__).parent.parent.parent
FOLDER: Final = ROOT / ".local" / "chaos"
"""Where runs leave what they found; it is not committed."""

_PRODUCT: Final = ("schemas", "service", "consumers", "migrations")
_JUDGES: Final = ("tests/chaos/checker", "tests/chaos/planted")


class Code(NamedTuple):
    """``is_committed``: nothing that the commit tracks has been changed since."""

    commit: str
    is_committed: bool
    digest: str

    @classmethod
    def now(cls) -> Self:
        """As it stands in the working tree."""
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
        return cls(commit or "unknown", commit is not None and changed == "", digest())


def digest(root: Path = ROOT) -> str:
    """Of the product and of what judges it: a recorded result holds for this and nothing else."""
    found = hashlib.sha256()
    for folder in (*_PRODUCT, *_JUDGES):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in {".py", ".sql"}:
                found.update(f"{file.relative_to(root)}\0".encode())
                found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:16]


def _git(*arguments: str) -> str | None:
    """What git says; ``None`` where it knows nothing of this folder, or is not there."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
