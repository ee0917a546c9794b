"""Keys for the tests of this folder, the same in every process, and the vendor's side of a webhook."""

import base64
import hashlib
import hmac
import json
import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from service.crypto.keys import KeyRing

WEBHOOK_KEY = os.environ.get("OVERLOAD_WEBHOOK_KEY", "key-of-the-overload-tests")
"""Of the ingress under attack; an attacker's process is told another one in its environment."""
LINK_KEYS = KeyRing((b"l" * 32,))
MAC_KEYS = KeyRing((b"m" * 32,))
SEALING_KEY = X25519PrivateKey.from_private_bytes(b"s" * 32).public_key().public_bytes_raw()

PATH = "/webhooks/metriport"
MIB = 1024 * 1024


def sign(body: bytes) -> str:
    return hmac.new(WEBHOOK_KEY.encode(), body, hashlib.sha256).hexdigest()


def webhook(kind: str = "network-query.hie", **more: Any) -> bytes:
    meta = {"messageId": "m-1", "when": "2026-06-01T15:09:31.204Z", "type": kind}
    content = {"meta": meta, "payload": {"patientId": "p-1"}, **more}
    return json.dumps(content, separators=(",", ":")).encode()


def ping() -> bytes:
    return webhook("ping", ping="are you there")


def large(size: int = 32 * MIB) -> bytes:
    """A bulk list of documents of this size, whose type says that it has to be sealed.

    It does not get smaller than three quarters by compression, as lists of ids and hashes do not.
    """
    rest = size - len(webhook("medical.of-a-new-type", filler=""))
    noise = base64.b64encode(os.urandom(rest * 3 // 4 + 3)).decode()[:rest]
    return webhook("medical.of-a-new-type", filler=noise)


def request(body: bytes, *lines: str, announced: int | None = None) -> bytes:
    """A signed POST as bytes."""
    head = [
        f"POST {PATH} HTTP/1.1",
        "Host: ingress.example",
        f"Content-Length: {len(body) if announced is None else announced}",
        f"x-metriport-signature: {sign(body)}",
        *lines,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
