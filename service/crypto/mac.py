"""Message authentication between our own processes: HMAC-SHA256 over place and bytes."""

import hashlib
import hmac

from service.crypto.keys import KeyRing


def sign(ring: KeyRing, where: bytes, body: bytes) -> str:
    """Hex MAC with the newest key."""
    return _digest(ring.newest[1], where, body).hex()


def verify(ring: KeyRing, where: bytes, body: bytes, mac: str) -> bool:
    """Whether any key of the ring made this MAC. Malformed text is simply not a MAC."""
    try:
        given = bytes.fromhex(mac)
    except ValueError:
        return False
    return any(hmac.compare_digest(_digest(key, where, body), given) for key in ring.all())


def _digest(key: bytes, where: bytes, body: bytes) -> bytes:
    return hmac.digest(key, len(where).to_bytes(4, "big") + where + body, hashlib.sha256)
