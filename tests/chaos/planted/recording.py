"""What became of each planted bug, kept for reports; it holds for the code that it was found on alone."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.chaos.code import FOLDER, Code

FILE: Final = FOLDER / "planted.json"


class Recorded(NamedTuple):
    """How many bugs were planted in this very code, each counted once by its latest run, and how many caught."""

    planted: int
    caught: int


def write(caught: Mapping[str, bool], code: Code, file: Path = FILE) -> None:
    """Add what was found on this code to what was found on the same before."""
    kept = _read(file)
    bugs = kept["bugs"] if kept.get("digest") == code.digest else {}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    bugs |= {name: {"caught": is_caught, "at": at} for name, is_caught in caught.items()}
    whole = {
        **code._asdict(),
        "planted": len(bugs),
        "caught": _caught(bugs),
        "at": at,
        "bugs": bugs,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


def read(digest: str, file: Path = FILE) -> Recorded | None:
    """What is known of this code; ``None`` when no bug was planted in it."""
    kept = _read(file)
    if kept.get("digest") != digest or not kept["bugs"]:
        return None
    return Recorded(len(kept["bugs"]), _caught(kept["bugs"]))


def _caught(bugs: Mapping[str, Mapping[str, Any]]) -> int:
    return sum(one["caught"] for one in bugs.values())


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
