"""When the status of something that runs is asked for: seldom, and the more seldom the longer it runs.

The next look waits as long as the thing has been watched: looks at 10, 20, 40, 80 minutes and so on,
until the longest pause. So what is late is found within twice its time, and a thing costs few calls of
the daily quota. The wait follows from times alone: an outage or a restart neither resets nor hastens it.
"""

from datetime import timedelta
from typing import Final

from service.settings.watching import Watching

LAST_LOOK: Final = timedelta(minutes=2)
"""So long before the end of its time a thing is looked at once more: its end is then told as it is."""


def next_look(watched: timedelta, left: timedelta | None, how: Watching) -> timedelta | None:
    """How long to wait; ``None`` when no look is worth it any more.

    Args:
        watched: since when the thing is watched; its first look came ``how.first`` later.
        left: until its time is over; ``None`` when it has no end of its own.
        how: the spacing that is set.
    """
    wait = min(max(watched, how.first), max(how.longest, how.first))
    return _before_the_end(wait, left)


def look_again(left: timedelta | None, how: Watching) -> timedelta | None:
    """How long to wait after a look that showed nothing: as before the first one."""
    return _before_the_end(how.first, left)


def _before_the_end(wait: timedelta, left: timedelta | None) -> timedelta | None:
    if left is None:
        return wait
    last = left - LAST_LOOK
    return min(wait, last) if last > timedelta(0) else None
