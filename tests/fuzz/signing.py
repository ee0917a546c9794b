"""Signatures as another reader makes and judges them, and other ways to write a right one."""

import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache


def oracle(keys: Sequence[bytes], body: bytes, signatures: Sequence[str]) -> int | None:
    """HMAC as RFC 2104 §2 spells it, and a plain comparison."""
    made = []
    for inner_pad, outer_pad in map(_pads, keys):
        inner = hashlib.sha256(inner_pad + body).digest()
        made.append(hashlib.sha256(outer_pad + inner).hexdigest())
    if len(signatures) == 1 and signatures[0] in made:
        return made.index(signatures[0])
    return None


@lru_cache(1_000)
def _pads(key: bytes) -> tuple[bytes, bytes]:
    padded = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded)


def signed(key: bytes, body: bytes) -> str:
    """The right signature."""
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def respellings(right: str) -> list[str]:
    """Texts that only begin or end like the right signature, or mean the same to a lenient reader."""
    return [
        right.upper(),
        right.title(),
        f"sha256={right}",
        f"{right}\n",
        f"{right}\ud800",
        f"{right}é",
        f"{right}\x00",
        f"\ufeff{right}",
        right * 2,
        right[:-1],
        right[1:],
        f"{right},{right}",
        right.translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"}),
        right.translate({ord(digit): 0x0660 + int(digit) for digit in "0123456789"}),
    ]
