"""``python -m tests.supply.audit TOOL``: are there known weaknesses in what the image installs?

``TOOL`` is ``pip-audit``. Where it cannot reach its database it passes over a package and ends with 0,
which reads like an answer. Here it is none. Exit codes: 0 none known, 1 some are, 3 not looked up.
"""

import json
import subprocess
import sys
from typing import Any, Final

from tests.supply.pins import REQUIREMENTS, pins

CLEAN: Final = 0
WEAK: Final = 1
UNKNOWN: Final = 3


def judge(report: Any, expected: int) -> tuple[int, list[str]]:
    """The exit code, and what to tell."""
    found = report.get("dependencies", []) if isinstance(report, dict) else []
    looked_up = [one for one in found if "skip_reason" not in one]
    lines = [
        f"{one['name']} {one['version']}: {weakness['id']}, mended in {_fixes(weakness)}"
        for one in looked_up
        for weakness in one["vulns"]
    ]
    missing = expected - len(looked_up)
    if missing:
        lines.append(f"{missing} of {expected} packages were NOT looked up: this is no all-clear")
    elif not lines:
        lines.append(f"no weakness is known of any of the {expected} packages")
    return (
        UNKNOWN if missing else WEAK if any(one["vulns"] for one in looked_up) else CLEAN
    ), lines


def _fixes(weakness: Any) -> str:
    return ", ".join(weakness["fix_versions"]) or "no version yet"


def main(tool: str) -> int:
    """Ask the tool; the exit code."""
    command = [
        tool,
        "--require-hashes",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner=off",
    ]
    done = subprocess.run(
        [*command, "-r", str(REQUIREMENTS)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        report = None  # it ended before it had one: no network
    expected = pins(REQUIREMENTS.read_text(encoding="utf-8"))
    code, lines = judge(report, len(expected))
    for line in lines:
        print(f"audit: {line}")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
