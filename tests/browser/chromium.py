"""Where the browser is. Debian's own serves; nothing is downloaded for a test."""

import os
import shutil
from typing import Final

import pytest

HOW_TO_GET_IT: Final = "no Chromium here: apt-get install --no-install-recommends chromium, or set CHROMIUM=/path/to/it"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


def needed() -> str:
    """The path of the browser: the one that ``CHROMIUM`` names, or the system's.

    Without one the test is skipped, and says how to get it. With ``REQUIRE_BROWSER`` it fails, because CI
    skips nothing.
    """
    given = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, (given,) if given else _NAMES)), None)
    if found is None:
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip)(HOW_TO_GET_IT)
    return found
