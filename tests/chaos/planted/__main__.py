"""``python -m tests.chaos.planted``: every scenario on the product as it is, then every bug."""

import argparse
import sys

from tests.chaos.planted.run import named, plant
from tests.stack.broker import broker_from_environment
from tests.stack.lifetime import Stack
from tests.stack.postgres import EmbeddedPostgres
from tests.stack.signals import Interrupted


def main() -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.planted", description=__doc__)
    parser.add_argument("words", nargs="*", help="only bugs whose names hold one of these")
    bugs = named(parser.parse_args().words)
    try:
        with Stack() as stack:
            servers = (stack.start(EmbeddedPostgres()), stack.start(broker_from_environment()))
            return 0 if plant(servers, bugs) else 1
    except Interrupted as error:
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
