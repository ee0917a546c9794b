"""A fresh set of keys for a new deployment or a rotation."""

import base64
import os

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from service.crypto.keys import KEY_BYTES
from service.crypto.signing import Signer


def fresh_keys() -> list[str]:
    """``NAME=value`` lines, every key made by the operating system's generator."""
    private = X25519PrivateKey.generate()
    signing = os.urandom(KEY_BYTES)
    lines = [
        f"{name}={_text(os.urandom(KEY_BYTES))}"
        for name in ("LINK_KEYS", "CALLBACK_MAC_KEYS", "ENCRYPTION_KEYS")
    ]
    return [
        *lines,
        f"SEALING_PRIVATE_KEYS={_text(private.private_bytes_raw())}",
        f"SEALING_PUBLIC_KEY={_text(private.public_key().public_bytes_raw())}",
        f"AUDIT_SIGNING_KEY={_text(signing)}",
        f"AUDIT_PUBLIC_KEYS={_text(Signer(signing).public_key)}",
    ]


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
