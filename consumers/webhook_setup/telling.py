"""What a step tells while it works: lines for a person, and facts that a program reads at the end.

Neither holds a key, and a URL only as ``account.shown`` gives it.
"""

from collections.abc import Callable
from typing import Any, Final

Fact = str | int | bool | None

FACTS: Final = {
    "register": ("url", "changed", "key"),
    "status": ("url", "key", "key_number", "verified", "says", "under_way", "failed"),
    "verify": ("url", "verified", "says"),
    "rotate-key": ("url", "changed", "key"),
}
"""Of each step all are in its document, ``null`` where nobody knows.

``changed``: the URL is another one now, or the key; ``key``: its hash; ``key_number``: its place in the file of keys;
``verified``: as Metriport calls it; ``under_way``, ``failed``: deliveries.
"""


class Telling:
    """Shows each line at once, and keeps the facts."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._facts: dict[str, Fact] = {}

    def __call__(self, line: str, **facts: Fact) -> None:
        """One line, and what it says in facts; a later fact replaces an earlier one."""
        self._show(line)
        self._facts |= facts

    def document(self, action: str, *, done: bool) -> dict[str, Any]:
        """Everything as one document."""
        return {"done": done, **{name: self._facts.get(name) for name in FACTS[action]}}
