"""The file of webhook keys, newest first, a line each, as ``METRIPORT_WEBHOOK_KEYS_FILE`` reads it."""

import os
import tempfile
from pathlib import Path
from typing import Final

from consumers.webhook_setup.errors import SetupError
from service.settings.keyfile import split_keys

_MODE: Final = 0o600


def with_newest(keys: tuple[str, ...], key: str) -> tuple[str, ...]:
    """The key in front; the others stay, for what they signed is still under way.

    Raises:
        ValueError: a list could not hold the key.
    """
    if split_keys(key) != (key,):
        raise ValueError("the key holds a comma, a line break or outer spaces")
    return (key, *(other for other in keys if other != key))


class KeyFile:
    """One file; every write replaces it whole, readable for its owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keys(self) -> tuple[str, ...]:
        """The keys in it, newest first; none where there is no file yet.

        Raises:
            SetupError: it cannot be read.
        """
        try:
            return split_keys(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ()
        except UnicodeDecodeError:
            raise SetupError(f"{self.path} is not a file of keys") from None
        except OSError as error:
            raise SetupError(f"{self.path} cannot be read ({type(error).__name__})") from None

    def check(self) -> None:
        """Fail before anything is changed at the vendor.

        Raises:
            SetupError: it could not be read or written.
        """
        self.keys()
        if not os.access(self.path.parent, os.W_OK | os.X_OK):
            raise SetupError(f"{self.path.parent} cannot be written to")

    def put(self, key: str) -> None:
        """Keep the key, in front of all others.

        Raises:
            SetupError: it cannot be kept.
        """
        try:
            keys = with_newest(self.keys(), key)
            self._replace("".join(f"{one}\n" for one in keys).encode())
        except ValueError as error:
            raise SetupError(f"Metriport's key cannot be kept: {error}") from None
        except OSError as error:
            raise SetupError(f"{self.path} cannot be written ({type(error).__name__})") from None

    def _replace(self, content: bytes) -> None:
        """Readers see the old file or the new one, and a crash leaves one of the two."""
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        fresh = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                os.fchmod(stream.fileno(), _MODE)
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(self.path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
