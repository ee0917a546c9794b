"""HPKE base mode written down from RFC 9180, as another implementation to check ours against.

Suite: DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001, AES-256-GCM 0x0002.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEM = b"KEM" + bytes.fromhex("0020")
_SUITE = b"HPKE" + bytes.fromhex("002000010002")


def seal(public_key: bytes, ephemeral: X25519PrivateKey, info: bytes, plaintext: bytes) -> bytes:
    """``enc ‖ ciphertext`` for an empty ``aad`` (sections 4.1, 5.1 and 5.2)."""
    enc = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public_key))
    prk = _extract(_KEM, b"", b"eae_prk", shared)
    secret = _expand(_KEM, prk, b"shared_secret", enc + public_key, 32)
    psk_id_hash = _extract(_SUITE, b"", b"psk_id_hash", b"")
    info_hash = _extract(_SUITE, b"", b"info_hash", info)
    context = b"\x00" + psk_id_hash + info_hash
    schedule = _extract(_SUITE, secret, b"secret", b"")
    key = _expand(_SUITE, schedule, b"key", context, 32)
    nonce = _expand(_SUITE, schedule, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, plaintext, b"")


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return _hmac(salt or bytes(32), b"HPKE-v1" + suite + label + material)


def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return _hmac(prk, labelled + b"\x01")[:length]


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)
