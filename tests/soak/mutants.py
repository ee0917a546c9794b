"""``python -m tests.soak.mutants``: the core's rules broken one place at a time: do its pure tests notice?

mutmut breaks ``service/ias`` in a copy of the tree and runs, for each break, the tests that pass there. Its
settings stand in ``pyproject.toml``. A mutant is noticed when a test fails or hangs; the others are listed,
most of them words of a message, which no test holds on purpose.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.chaos.code import ROOT
from tests.soak.campaign import arguments, told
from tests.soak.running import FOLDER

COPY: Final = FOLDER / "mutants"
_STATS: Final = "mutants/mutmut-cicd-stats.json"
_HOW_TO_GET_IT: Final = (
    "mutmut is not there: pip install --require-hashes -r requirements-mutants.txt"
)
NOTICED: Final = ("killed", "timeout")


def figures(stats: Mapping[str, int], refused: int) -> dict[str, float]:
    """What the run came to. What the type checker refuses is no mutant: nobody could merge it, and no test
    needs to notice it. mutmut counts it in nothing but the total.
    """
    mutants = stats["total"] - refused
    noticed = sum(stats[name] for name in NOTICED)
    return {
        "mutants": mutants,
        **{name: stats[name] for name in (*NOTICED, "survived", "no_tests")},
        "refused_by_type_checker": refused,
        "score_percent": round(100 * noticed / mutants, 1),
    }


def copy_tree(target: Path = COPY) -> None:
    """What git knows of, as it stands now, and nothing of an earlier run."""
    shutil.rmtree(target, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def _mutmut(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with this very Python before all others, as its type checker is asked for by name."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=COPY,
        env=os.environ | {"PATH": path, "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main() -> int:
    """The command; its exit code."""
    asked = arguments("mutants", __doc__, workers=2)
    if find_spec("mutmut") is None:
        sys.exit(_HOW_TO_GET_IT)
    copy_tree()
    began = time.monotonic()
    ran = _mutmut("run", "--max-children", str(asked.workers))
    if ran.returncode:
        print(ran.stdout[-4_000:])
        return told("mutants", asked.seed, 1, {})
    _mutmut("export-cicd-stats")
    stats = json.loads((COPY / _STATS).read_text(encoding="utf-8"))
    listed = _mutmut("results").stdout
    print(listed)
    found = figures(stats, listed.count(": caught by type check"))
    minutes = round((time.monotonic() - began) / 60, 1)
    return told("mutants", asked.seed, 0, {**found, "took_minutes": minutes})


if __name__ == "__main__":
    sys.exit(main())
