"""Sealing: anyone with the public key can lock, only consumers can open (HPKE, RFC 9180).

A sealed text is ``0x01 ‖ key id (4 bytes) ‖ HPKE output``. Topic, type and id are bound in, so a
sealed message copied to another place does not open there.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from service.crypto import aead
from service.crypto.keys import KEY_ID_BYTES, UnknownKeyError, key_id

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_VERSION: Final = b"\x01"
_HEAD: Final = len(_VERSION) + KEY_ID_BYTES


def place(topic: str, message_type: str, message_id: str) -> bytes:
    """The context of a sealed message: where it stands and what it claims to be."""
    return aead.context("metriport-ias/seal/v1", topic, message_type, message_id)


class Sealer:
    """Holds the public key: can lock and cannot open."""

    def __init__(self, public_key: bytes) -> None:
        self._key = X25519PublicKey.from_public_bytes(public_key)
        self._id = key_id(public_key)

    @property
    def key_id(self) -> str:
        """The id of the key that opens what this seals, in hex."""
        return self._id.hex()

    def seal(self, plaintext: bytes, where: bytes) -> bytes:
        """Lock ``plaintext`` for the place ``where``."""
        return _VERSION + self._id + _SUITE.encrypt(plaintext, self._key, info=where)


class Opener:
    """Holds the private keys, newest first."""

    def __init__(self, private_keys: tuple[bytes, ...]) -> None:
        keys = [X25519PrivateKey.from_private_bytes(raw) for raw in private_keys]
        self._keys = {key_id(key.public_key().public_bytes_raw()): key for key in keys}

    @property
    def key_ids(self) -> frozenset[str]:
        """Ids of the keys it holds, in hex."""
        return frozenset(name.hex() for name in self._keys)

    def open(self, sealed: bytes, where: bytes) -> bytes:
        """The plaintext.

        Raises:
            UnknownKeyError: not sealed for one of our keys, for this place, or altered.
        """
        key = self._keys.get(sealed[len(_VERSION) : _HEAD])
        if sealed[: len(_VERSION)] != _VERSION or key is None:
            raise UnknownKeyError("not sealed for one of our keys")
        try:
            return _SUITE.decrypt(sealed[_HEAD:], key, info=where)
        except (InvalidTag, ValueError):
            raise UnknownKeyError("the sealed text does not open in this place") from None
