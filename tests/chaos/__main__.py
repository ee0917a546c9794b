"""``python -m tests.chaos``: break a whole deployment for some minutes and say what held."""

import argparse
import asyncio
import json
import logging
import random
import shutil
import sys
from typing import Final

from tests.chaos.code import FOLDER, Code
from tests.chaos.deployment import ChaosDeployment
from tests.chaos.figures import is_whole, summary
from tests.chaos.lanes import SETS
from tests.chaos.planted.patching import Bug
from tests.chaos.planted.run import FEW, named, plant
from tests.chaos.report import write
from tests.chaos.run import Plan, Result, run
from tests.chaos.schedule import NAMES, only
from tests.chaos.traffic import AT_ONCE, EVERY_SECONDS
from tests.stack.broker import EmbeddedBroker
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.signals import Interrupted

PROGRAM: Final = "python -m tests.chaos"


def main() -> int:
    """The command line; the exit code: 0 when nothing broke."""
    given = _given()
    plan, code = _plan(given), Code.now()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the application's, of what we break
    print(f"seed {plan.seed}, {plan.minutes:g} minutes of breaking", flush=True)
    try:
        if given.plant != "none":
            _planted(named(FEW if given.plant == "few" else ()))
        with Stack() as stack:
            deployment = ChaosDeployment(stack, random.Random(f"proxies of {plan.seed}"))
            deployment.start(lambda what: print(f"starting {what}", flush=True))
            result = asyncio.run(run(plan, deployment, code))
            deployment.kill_all()
    except Interrupted as error:
        return error.exit_code
    return _told(result, deployment, f"{PROGRAM} {_replay(given, plan.seed)}")


def _planted(bugs: list[Bug]) -> None:
    """What came of them is in the report; the run goes on whatever it is."""
    with Stack() as stack:
        plant((stack.start(EmbeddedPostgres()), stack.start(EmbeddedBroker())), bugs)


def _replay(given: argparse.Namespace, seed: int) -> str:
    """The arguments that make the same choices again: what was given, with the seed."""
    usual = _parser().parse_args([])
    named = {**vars(given), "seed": seed}
    return " ".join(
        _argument(name, value) for name, value in named.items() if value != getattr(usual, name)
    )


def _argument(name: str, value: object) -> str:
    return f"--{name} {value:g}" if isinstance(value, float) else f"--{name} {value}"


def _told(result: Result, deployment: ChaosDeployment, command: str) -> int:
    """Write the report, keep the logs of a run that broke, and say how it went."""
    write(result, command)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
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
        help="do these acts, once each, and no others (NAME+kill: with a kill in its middle): "
        + ", ".join(NAMES),
    )
    parser.add_argument(
        "--every",
        type=float,
        default=EVERY_SECONDS,
        help="seconds between two people (%(default)s)",
    )
    parser.add_argument(
        "--people",
        type=int,
        default=AT_ONCE,
        help="under way at a time, at most (%(default)s)",
    )
    parser.add_argument(
        "--together",
        choices=SETS,
        default="",
        help="break many things at a time: everything, servers alone, or processes at named points alone",
    )
    parser.add_argument(
        "--plant",
        choices=("none", "few", "all"),
        default="none",
        help="first see whether the checker catches planted bugs (%(default)s)",
    )
    return parser


def _given() -> argparse.Namespace:
    parser = _parser()
    given = parser.parse_args()
    try:
        only(0, _names(given))
    except ValueError as error:
        parser.error(f"--only: {error}")
    return given


def _names(given: argparse.Namespace) -> tuple[str, ...]:
    return tuple(filter(None, given.only.split(",")))


def _plan(given: argparse.Namespace) -> Plan:
    return Plan(
        seed=random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed,
        minutes=given.minutes,
        storm=given.storm,
        settle_seconds=given.settle,
        only=_names(given),
        every=given.every,
        people=given.people,
        together=given.together,
    )


if __name__ == "__main__":
    sys.exit(main())
