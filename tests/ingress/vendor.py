"""Metriport's side: sample bodies as ``JSON.stringify`` writes them, signed by code of our own."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parent.parent / "samples" / "metriport"
KEY = "webhook-key-of-today-úñí"
OLD_KEY = "webhook-key-of-yesterday"
PATIENT = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"
SIGNATURE = "x-metriport-signature"

Body = dict[str, Any]


def sample(name: str) -> Any:
    """One file of samples."""
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def stringify(body: Any) -> bytes:
    """Compact, in UTF-8, nothing escaped that need not be."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def sign(body: bytes, key: str = KEY) -> str:
    """Lower-case hex, no prefix."""
    return hmac.new(key.encode("utf-8"), body, hashlib.sha256).hexdigest()


def webhook(kind: str = "network-query.hie", **more: Any) -> Body:
    """A body of the smallest sort."""
    meta = {"messageId": "m-1", "when": "2026-06-01T15:09:31.204Z", "type": kind}
    return {"meta": meta, "payload": {"patientId": PATIENT}, **more}
