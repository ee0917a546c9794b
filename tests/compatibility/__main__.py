"""``python -m tests.compatibility [freeze]``: check today's contract against every release, or write it down."""

import sys

from tests.compatibility.released import freeze, load, notes, problems, today, versions


def check() -> int:
    """Tell every break that has no note, and every note that no break needs; the exit code."""
    told = notes()
    found = {line for version in versions() for line in problems(load(version), today())}
    lines = [f"{line} (note it, or take it back)" for line in sorted(found - told.keys())]
    lines += [f"the note on `{line}` is on nothing" for line in sorted(told.keys() - found)]
    for line in lines:
        print(f"compatibility: {line}")
    return 1 if lines else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["freeze"]:
        print(f"written: {freeze()}")
        sys.exit(0)
    sys.exit(check())
