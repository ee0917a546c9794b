"""``python -m tests.soak``: every campaign, one after another, and what they measured beside the goals."""

import argparse
import json
import sys
from typing import Final

from tests.soak.goals import CAMPAIGNS
from tests.soak.report import NotPublishedError, publish, summary, write
from tests.soak.running import all_kept, run

PROGRAM: Final = "python -m tests.soak"


def main() -> int:
    """The command line; the exit code: 0 when no campaign found anything broken."""
    given = _given()
    if given.publish:
        return _published()
    for name in given.campaigns or CAMPAIGNS:
        print(f"=== {name}", flush=True)
        arguments = [*CAMPAIGNS[name].split(), *given.also.split()]
        result = run(name, arguments, is_more=given.more)
        print(f"=== {name}: {result.minutes:g} min, exit code {result.exit_code}", flush=True)
    results = all_kept()
    print(f"report: {write(results)}")
    said = summary(results)
    print(json.dumps(said), flush=True)
    return 1 if said["failed"] else 0


def _published() -> int:
    write(all_kept())
    try:
        print(f"published: {publish()}")
    except NotPublishedError as error:
        print(f"not published: {error}", file=sys.stderr)
        return 1
    return 0


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=__doc__,
        epilog="Results of campaigns that are not run now stay in the report, each with its commit.",
    )
    parser.add_argument(
        "campaigns", nargs="*", metavar="NAME", help=f"only these: {', '.join(CAMPAIGNS)}"
    )
    parser.add_argument(
        "--also", default="", metavar="ARGUMENTS", help='for a shorter run: --also="--minutes 30"'
    )
    parser.add_argument(
        "--more", action="store_true", help="keep the runs before: counts add up over their seeds"
    )
    parser.add_argument(
        "--publish", action="store_true", help="write the latest report into the repository"
    )
    given = parser.parse_args()
    if unknown := set(given.campaigns) - set(CAMPAIGNS):
        parser.error(f"there is no campaign {', '.join(sorted(unknown))}")
    return given


if __name__ == "__main__":
    sys.exit(main())
