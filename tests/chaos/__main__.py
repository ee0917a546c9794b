"""``python -m tests.chaos``: break a whole deployment for some minutes and say what held."""

import argparse
import asyncio
import json
import logging
import random
import shutil
import sys

from tests.chaos.deployment import ChaosDeployment
from tests.chaos.figures import is_whole, summary
from tests.chaos.report import FOLDER, write
from tests.chaos.run import Plan, Result, run
from tests.chaos.schedule import NAMES, only
from tests.chaos.traffic import EVERY_SECONDS
from tests.stack.lifetime import Stack
from tests.stack.signals import Interrupted


def main() -> int:
    """The command line; the exit code: 0 when nothing broke."""
    plan = _plan()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the application's, of what we break
    print(f"seed {plan.seed}, {plan.minutes:g} minutes of breaking", flush=True)
    try:
        with Stack() as stack:
            deployment = ChaosDeployment(stack, random.Random(f"proxies of {plan.seed}"))
            deployment.start(lambda what: print(f"starting {what}", flush=True))
            result = asyncio.run(run(plan, deployment))
            deployment.kill_all()
    except Interrupted as error:
        return error.exit_code
    return _told(result, deployment)


def _told(result: Result, deployment: ChaosDeployment) -> int:
    """Write the report, keep the logs of a run that broke, and say how it went."""
    write(result)
    figures = summary(result)
    whole = is_whole(figures)
    if not whole:
        shutil.rmtree(FOLDER / "logs", ignore_errors=True)
        shutil.copytree(deployment.folder, FOLDER / "logs")
        print(f"logs: {FOLDER / 'logs'}", flush=True)
    deployment.remove_logs()
    print(f"report: {FOLDER / 'report.md'}", flush=True)
    print(json.dumps(figures), flush=True)
    return 0 if whole else 1


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=4.0, help="of breaking (%(default)s)")
    parser.add_argument("--seed", type=int, help="replays a run's choices; default: a fresh one")
    parser.add_argument("--storm", type=int, default=2_000, help="webhooks a storm (%(default)s)")
    parser.add_argument(
        "--settle", type=float, default=180.0, help="seconds, at most (%(default)s)"
    )
    parser.add_argument(
        "--only",
        metavar="NAME[,NAME]",
        default="",
        help="do these acts, once each, and no others: " + ", ".join(NAMES),
    )
    parser.add_argument(
        "--every",
        type=float,
        default=EVERY_SECONDS,
        help="seconds between two people (%(default)s)",
    )
    given = parser.parse_args()
    names = tuple(filter(None, given.only.split(",")))
    try:
        only(0, names)
    except ValueError as error:
        parser.error(f"--only: {error}")
    return Plan(
        seed=random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed,
        minutes=given.minutes,
        storm=given.storm,
        settle_seconds=given.settle,
        only=names,
        every=given.every,
    )


if __name__ == "__main__":
    sys.exit(main())
