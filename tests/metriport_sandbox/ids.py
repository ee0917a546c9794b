"""Ids, keys and tokens in the vendor's shapes, repeatable when seeded."""

import base64
import random
import uuid
from collections.abc import Callable

_NANOID_ALPHABET = "useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict"
_NANOID_LENGTH = 21
_TOTP_SECRET_BYTES = 20


class Ids:
    """One source of randomness for everything the sandbox invents."""

    def __init__(self, *, seed: int | None, clock: Callable[[], float]) -> None:
        self._random = random.SystemRandom() if seed is None else random.Random(seed)
        self._clock = clock

    def uuid4(self) -> str:
        """Return a message id."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def uuid7(self) -> str:
        """Return a time-ordered id, as the vendor gives patients and requests."""
        millis = int(self._clock() * 1000) & (2**48 - 1)
        value = millis << 80 | self._random.getrandbits(80)
        value = value & ~(0xF << 76) | 0x7 << 76
        value = value & ~(0x3 << 62) | 0x2 << 62
        return str(uuid.UUID(int=value))

    def prefixed(self, prefix: str) -> str:
        """Return `<prefix>_<32 hex>`: the prefixes are the docs' examples, not a contract."""
        return f"{prefix}_{self.uuid7().replace('-', '')}"

    def nanoid(self) -> str:
        """Return 21 URL-safe characters: the shape of webhook keys and pings (vendor code)."""
        return "".join(self._random.choice(_NANOID_ALPHABET) for _ in range(_NANOID_LENGTH))

    def token(self) -> str:
        """Return the unguessable last part of a hosted page's URL."""
        return self.nanoid() + self.nanoid()

    def etag(self) -> str:
        """Return 32 hex characters."""
        return f"{self._random.getrandbits(128):032x}"

    def totp_secret(self) -> str:
        """Return a base32 secret for an authenticator app."""
        return base64.b32encode(self._random.randbytes(_TOTP_SECRET_BYTES)).decode()

    def fraction(self) -> float:
        """Return a number in [0, 1), for the vendor's random pauses."""
        return self._random.random()
