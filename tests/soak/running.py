"""Runs one campaign as a process of its own and keeps what it said, with the code that it was about."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from tests.chaos.code import FOLDER as CHAOS
from tests.chaos.code import ROOT, Code

FOLDER: Final = ROOT / ".local" / "soak"
"""A log and a result for each campaign; none of it is committed."""


class Result(NamedTuple):
    """What a campaign came to. ``figures`` is its last line; none where it did not get so far."""

    campaign: str
    command: str
    commit: str
    is_committed: bool
    digest: str
    at: str
    minutes: float
    exit_code: int
    figures: Mapping[str, Any]

    @classmethod
    def read(cls, campaign: str, folder: Path = FOLDER) -> Self | None:
        """The latest, if there is one."""
        file = folder / f"{campaign}.json"
        if not file.exists():
            return None
        return cls(**json.loads(file.read_text(encoding="utf-8")))

    def keep(self, folder: Path = FOLDER) -> None:
        """Write it down."""
        text = json.dumps(self._asdict(), indent=2) + "\n"
        (folder / f"{self.campaign}.json").write_text(text, encoding="utf-8")


def run(campaign: str, arguments: Sequence[str], folder: Path = FOLDER) -> Result:
    """Run ``python -m …``, show its output and keep it."""
    folder.mkdir(parents=True, exist_ok=True)
    code, began, at = Code.now(), time.monotonic(), datetime.now(UTC)
    log = folder / f"{campaign}.log"
    exit_code = _shown([sys.executable, "-m", *arguments], log)
    result = Result(
        campaign,
        f"python -m {' '.join(arguments)}",
        code.commit,
        code.is_committed,
        code.digest,
        at.isoformat(timespec="minutes"),
        round((time.monotonic() - began) / 60, 1),
        exit_code,
        last_line(log.read_text(encoding="utf-8")),
    )
    result.keep(folder)
    if arguments[0] == "tests.chaos":
        _keep_report(campaign, folder)
    return result


def _keep_report(campaign: str, folder: Path) -> None:
    """A run of chaos has a report and a picture of its own, which the next one writes over."""
    for ending in ("md", "png"):
        found = CHAOS / f"report.{ending}"
        if found.exists():
            shutil.copyfile(found, folder / f"{campaign}.{ending}")


def last_line(said: str) -> Mapping[str, Any]:
    """The JSON object that a campaign ends with; empty when its last line is none."""
    lines = said.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _shown(command: Sequence[str], log: Path) -> int:
    """The exit code; each line goes to the log and to whoever looks on."""
    with (
        log.open("w", encoding="utf-8") as kept,
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        for line in process.stdout or ():
            kept.write(line)
            kept.flush()
            print(line, end="", flush=True)
        return process.wait()
