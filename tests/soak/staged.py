"""A campaign on servers that are started for it: they are ended before it says what it came to."""

import io
import sys
from collections.abc import Callable, Mapping
from typing import Any

from tests.local.deployment import Deployment
from tests.soak import campaign
from tests.stack.kafka import NoKafkaError
from tests.stack.lifetime import Stack
from tests.stack.signals import Interrupted

Play = Callable[[Stack], tuple[Deployment, Mapping[str, Any]]]
"""Starts what it needs on the stack; what was deployed, and the figures."""


def staged(name: str, seed: int, play: Play, broken: Callable[[Mapping[str, Any]], int]) -> int:
    """Play, and print the last line; the exit code. The logs of a run that broke something stay."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    try:
        with Stack() as stack:
            deployment, found = play(stack)
    except NoKafkaError as error:
        print(error, file=sys.stderr)
        return 1
    except Interrupted as error:
        return error.exit_code
    many = broken(found)
    if not many:
        deployment.remove_logs()
    return campaign.told(name, seed, many, found)
