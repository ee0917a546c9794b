"""How many examples, and whether they are the same every time.

``ci`` repeats the same examples in every run; ``deep`` makes up many new ones and prints the seed or the
blob that repeats a failure: ``HYPOTHESIS_PROFILE=deep pytest tests/fuzz``.
"""

import os
import random
from datetime import timedelta
from functools import cache
from typing import Final

from hypothesis import HealthCheck, settings

_DEEPER: Final = 25
_SHARED: Final = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

settings.register_profile("ci", _SHARED, database=None, derandomize=True)
settings.register_profile("deep", _SHARED)

NAME: Final = os.environ.get("HYPOTHESIS_PROFILE", "ci")
CHOSEN: Final = settings.get_profile(NAME)
IS_DEEP: Final = NAME == "deep"


def examples(count: int, *, within: float | None = None) -> settings:
    """So many examples in ``ci``, many more in ``deep``; each within so many seconds.

    Named by each test instead of being loaded: the tests of other folders keep their own.
    """
    deadline = None if within is None else timedelta(seconds=within)
    return settings(CHOSEN, max_examples=times(count), deadline=deadline)


def times(count: int) -> int:
    """``count`` in ``ci``, many more in ``deep``."""
    return count * _DEEPER if IS_DEEP else count


@cache
def seed() -> int:
    """For what is made up without hypothesis; printed with every failure. ``FUZZ_SEED`` repeats one."""
    given = os.environ.get("FUZZ_SEED")
    return int(given) if given else random.getrandbits(32) if IS_DEEP else 20_260_601
