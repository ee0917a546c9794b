"""How often Python looks for garbage that refers to itself. All else is freed at once, without being looked for."""

import gc
from typing import Final

YOUNG: Final = 10_000
"""Objects more than before, until the youngest are looked at. What start-up made being left out, the usual
700 would find next to nothing, 40 times a second under load."""

OF_MIDDLE_AGE: Final = 10
OLD: Final = 5
"""Looks at the younger, until the older are looked at, too: all of them after 500,000 objects more.

A connection that lasts some seconds is no longer young when it ends, and what aiohttp makes of one refers to
itself. With 20 and 50 (ten million objects more) a crowd of 10,000 slow clients left 10 MiB each time that it
came, nine times out of nine; with 10 and 5 the ninth left nothing.
"""


def settle() -> None:
    """What start-up made stays: keep the collector off it, and look at the young less often.

    Measured with `make bench-ingress`: collections of everything were most of the slowest answers.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OF_MIDDLE_AGE, OLD)
