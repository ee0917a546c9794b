"""One way to encrypt with a symmetric key: AES-256-GCM with a fresh 96-bit nonce and bound context."""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.crypto.keys import KEY_ID_BYTES, KeyRing, UnknownKeyError

_NONCE_BYTES: Final = 12


def context(*parts: str) -> bytes:
    """Associated data from parts, so that no two lists of parts give the same bytes."""
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))


def encrypt(key: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Nonce and ciphertext in one."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, aad)


def decrypt(key: bytes, box: bytes, aad: bytes) -> bytes:
    """The plaintext.

    Raises:
        UnknownKeyError: another key, another context, or an altered ciphertext.
    """
    try:
        return AESGCM(key).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], aad)
    except (InvalidTag, ValueError):
        raise UnknownKeyError("the ciphertext does not open in this context") from None


def encrypt_with_ring(ring: KeyRing, plaintext: bytes, aad: bytes) -> bytes:
    """Like ``encrypt``, with the newest key and its id in front."""
    name, key = ring.newest
    return name + encrypt(key, plaintext, aad)


def decrypt_with_ring(ring: KeyRing, box: bytes, aad: bytes) -> bytes:
    """Like ``decrypt``, with the key that the box names.

    Raises:
        UnknownKeyError: as ``decrypt``; ``MissingKeyError`` when no such key is on the ring.
    """
    return decrypt(ring.get(box[:KEY_ID_BYTES]), box[KEY_ID_BYTES:], aad)
