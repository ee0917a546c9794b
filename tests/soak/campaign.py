"""What every campaign does alike: how much is asked for, and the one line that it ends with."""

import argparse
import json
import random
from collections.abc import Mapping


def arguments(program: str, about: str | None, **sizes: int) -> argparse.Namespace:
    """``--NAME N`` for each size, with its usual number, and ``--seed``: a fresh one unless given."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.soak.{program}", description=about)
    for name, usual in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=usual, help="%(default)s unless given")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    return parser.parse_args()


def told(campaign: str, seed: int, broken: int, figures: Mapping[str, object]) -> int:
    """Print the last line; the exit code: 0 when nothing broke."""
    line = {"campaign": campaign, "seed": seed, "broken": broken, **figures}
    print(json.dumps(line), flush=True)
    return 1 if broken else 0
