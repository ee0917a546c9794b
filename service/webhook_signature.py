"""Metriport's webhook signature, as a pure function over bytes.

``hex(HMAC-SHA256(webhook key as UTF-8, exact body bytes))``, 64 lower-case hex digits, no prefix, in
the header ``x-metriport-signature`` (Metriport docs and code). Whoever trusts a webhook, the ingress
and the consumers, asks here; there is no way to skip it.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

HEADER: Final = "x-metriport-signature"
_WELL_FORMED: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def matching_slot(keys: Sequence[bytes], body: bytes, signatures: Sequence[str]) -> int | None:
    """The slot of the key that made the signature (0 is the newest), or ``None``.

    ``signatures`` are all values of the header: there must be exactly one. Every key is tried in
    constant time, whichever matches.
    """
    if len(signatures) != 1 or not _WELL_FORMED.fullmatch(signatures[0]):
        return None
    given = signatures[0].encode()
    found: int | None = None
    for slot, key in enumerate(keys):
        made = hmac.digest(key, body, hashlib.sha256).hex().encode()
        if hmac.compare_digest(made, given) and found is None:
            found = slot
    return found
