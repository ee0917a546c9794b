"""A wall clock that is wrong, for one process alone.

``libfaketime`` (Debian: the package ``faketime``) changes what the process that loads it is told of the time
of day. The monotonic clock stays as it is: seconds last as long as anybody's.
"""

from pathlib import Path
from typing import Final

LIBRARIES: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
MISSING: Final = "needs libfaketime: apt-get install faketime"


def loaded() -> dict[str, str]:
    """What makes a process load it; how wrong its clock is stands elsewhere."""
    return {"LD_PRELOAD": str(LIBRARIES[0]), "DONT_FAKE_MONOTONIC": "1"}


def wrong_by(seconds: float) -> dict[str, str]:
    """What makes a process's clock be so far from the right time, for as long as it lives."""
    return loaded() | {"FAKETIME": f"{seconds:+.0f}"}
