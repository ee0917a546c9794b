"""Runs one campaign as a process of its own and keeps what it said, with the code that it was about."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import count, takewhile
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.chaos.code import FOLDER as CHAOS
from tests.chaos.code import ROOT, Code
from tests.soak.goals import CAMPAIGNS

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

    def keep(self, file: Path) -> None:
        """Write it down."""
        file.write_text(json.dumps(self._asdict(), indent=2) + "\n", encoding="utf-8")


def all_kept(folder: Path = FOLDER) -> list[Result]:
    """Every run that is kept: a campaign's one after another, the first one first."""
    files = [file for name in CAMPAIGNS for file in _files(name, folder)]
    return [Result(**json.loads(file.read_text(encoding="utf-8"))) for file in files]


def _files(campaign: str, folder: Path) -> list[Path]:
    """``storm.json``, ``storm.2.json``, …; the log and the report of a run have the same stem."""
    files = (folder / f"{_stem(campaign, number)}.json" for number in count(1))
    return list(takewhile(Path.exists, files))


def _stem(campaign: str, number: int) -> str:
    return campaign if number == 1 else f"{campaign}.{number}"


def run(
    campaign: str, arguments: Sequence[str], folder: Path = FOLDER, *, is_more: bool = False
) -> Result:
    """Run ``python -m …``, show its output and keep it: instead of the runs before it, or as one more."""
    folder.mkdir(parents=True, exist_ok=True)
    before = _files(campaign, folder)
    stem = _stem(campaign, len(before) + 1 if is_more else 1)
    code, began, at = Code.now(), time.monotonic(), datetime.now(UTC)
    log = folder / f"{stem}.log"
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
    if not is_more:
        _forget(before)
    result.keep(folder / f"{stem}.json")
    if arguments[0] == "tests.chaos":
        _keep_report(stem, folder)
    return result


def _forget(files: Sequence[Path]) -> None:
    """The results of runs, and the report and picture that a run may have of its own."""
    for file in files:
        for ending in (".json", ".md", ".png"):
            file.with_suffix(ending).unlink(missing_ok=True)


def _keep_report(stem: str, folder: Path) -> None:
    """A run of chaos has a report and a picture of its own, which the next one writes over."""
    for ending in ("md", "png"):
        found = CHAOS / f"report.{ending}"
        if found.exists():
            shutil.copyfile(found, folder / f"{stem}.{ending}")


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
