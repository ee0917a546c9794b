"""``python -m tests.chaos.publish``: write the latest report into the repository, and its table into the README.

Nothing is written by hand: the report holds what was measured, with date, command, seed and commit. A run
of code that is in no commit is refused, because nobody could run it again.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Final

from tests.chaos.code import FOLDER, ROOT
from tests.chaos.report import BEGIN, END

MEASURED: Final = Path("deploy") / "measured"
README: Final = Path("README.md")


class NotPublishedError(Exception):
    """Nothing was written; the message says why."""


def publish(found: Path = FOLDER, root: Path = ROOT) -> Path:
    """Write ``chaos.md`` and ``chaos.png``, and the README's table; where the report is now.

    Raises:
        NotPublishedError: there is no report, it is of no commit, or the README has no place for it.
    """
    try:
        report = (found / "report.md").read_text(encoding="utf-8")
        figures = json.loads((found / "report.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotPublishedError(f"there is no {error.filename}: run `make chaos`") from error
    if not figures["is_committed"]:
        raise NotPublishedError(
            f"the report is of commit {figures['commit']} with changes: commit them and run again"
        )
    readme = root / README
    text = with_table(readme.read_text(encoding="utf-8"), table_of(report))
    target = root / MEASURED
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(found / "report.png", target / "chaos.png")
    report = report.replace("(report.png)", "(chaos.png)")
    (target / "chaos.md").write_text(report, encoding="utf-8")
    readme.write_text(text, encoding="utf-8")
    return target / "chaos.md"


def with_table(readme: str, table: str, begin: str = BEGIN, end: str = END) -> str:
    """The README with this table between its markers.

    Raises:
        NotPublishedError: it has no such markers.
    """
    before, rest = _cut(readme, begin, "README.md")
    _, after = _cut(rest, end, "README.md")
    return f"{before}{begin}{table}{end}{after}"


def table_of(report: str, begin: str = BEGIN, end: str = END) -> str:
    """What stands between the markers of a report or README, with its line ends.

    Raises:
        NotPublishedError: it has no such markers.
    """
    _, rest = _cut(report, begin, "the report")
    return _cut(rest, end, "the report")[0]


def _cut(text: str, marker: str, where: str) -> tuple[str, str]:
    if text.count(marker) != 1:
        raise NotPublishedError(f"{where} holds {marker} {text.count(marker)} times, not once")
    before, _, after = text.partition(marker)
    return before, after


def main() -> int:
    """The command line; the exit code."""
    argparse.ArgumentParser(prog="python -m tests.chaos.publish", description=__doc__).parse_args()
    try:
        print(f"published: {publish().relative_to(ROOT)}, and the table of {README}")
    except NotPublishedError as error:
        print(f"not published: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
