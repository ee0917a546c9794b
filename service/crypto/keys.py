"""Key rings: the newest key writes, any key reads, so that keys rotate without downtime."""

import hashlib
from typing import Final

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 4


class UnknownKeyError(Exception):
    """No key of the ring has the id that the ciphertext names, or the ciphertext was altered."""


def key_id(key: bytes) -> bytes:
    """Four bytes that name a key without telling anything about it."""
    return hashlib.sha256(b"metriport-ias/key-id\x00" + key).digest()[:KEY_ID_BYTES]


class MissingKeyError(UnknownKeyError):
    """The ring does not hold the key that the ciphertext names.

    It was not deployed here yet, or was taken away too early. With it the same ciphertext opens, so
    nothing may be given up for this.
    """


class KeyRing:
    """Symmetric keys of 256 bits, newest first. Its repr shows ids only."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError("a key ring needs one or more keys of 32 bytes")
        self._keys = {key_id(key): key for key in keys}
        self._newest = key_id(keys[0])

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(name.hex() for name in self._keys)})"

    @property
    def newest(self) -> tuple[bytes, bytes]:
        """Id and key to write with."""
        return self._newest, self._keys[self._newest]

    def get(self, name: bytes) -> bytes:
        """The key of that id.

        Raises:
            MissingKeyError: it is not on the ring.
        """
        try:
            return self._keys[name]
        except KeyError:
            raise MissingKeyError("no key with the id that the ciphertext names") from None

    @property
    def older(self) -> tuple[bytes, ...]:
        """Ids of every key but the newest."""
        return tuple(name for name in self._keys if name != self._newest)

    def all(self) -> tuple[bytes, ...]:
        """Every key, newest first."""
        return tuple(self._keys.values())
