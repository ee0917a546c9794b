"""Webhook keys that follow their file: a key rotated in a mounted secret works without a restart."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the file: a rotation is picked up within this time."""


def split_keys(text: str) -> tuple[str, ...]:
    """The keys of a list, separated by commas or line breaks, in its order."""
    return tuple(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())


class WebhookKeys:
    """Metriport's webhook keys, newest first, as UTF-8 bytes. Its repr tells nothing."""

    def __init__(
        self,
        keys: tuple[str, ...],
        path: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = tuple(key.encode() for key in keys)
        self._path = path
        self._clock = clock
        self._looked = clock()
        self._stamp: tuple[int, int] | None = None  # the file may have changed since it was read

    def __repr__(self) -> str:
        return f"WebhookKeys({len(self._keys)} keys)"

    def current(self) -> tuple[bytes, ...]:
        """The keys as of now. An unreadable or empty file leaves the last good keys in force."""
        if self._path is not None and self._clock() - self._looked >= _LOOK_EVERY:
            self._looked = self._clock()
            self._reload(self._path)
        return self._keys

    def _reload(self, path: Path) -> None:
        stamp = self._stat()
        if stamp is None or stamp == self._stamp:
            return
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
        keys = tuple(key.encode() for key in split_keys(text))
        if keys:
            self._keys, self._stamp = keys, stamp

    def _stat(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ino
