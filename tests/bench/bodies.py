"""Signed webhooks of 1.4 kB with distinct ids, in the one file that every load generator reads.

A line is ``signature body``: bodies are compact JSON and hold no line break.
"""

import hashlib
import hmac
import json
import uuid
from pathlib import Path
from typing import Any

SIZE = 1_400
COUNT = 5_000
_SOURCES = ("carequality", "commonwell", "ehealth-exchange", "a-regional-exchange")


def write(path: Path, key: str, count: int = COUNT) -> None:
    """Write the file."""
    path.write_bytes(b"".join(_line(key, number) for number in range(count)))


def read(path: Path) -> list[tuple[bytes, bytes]]:
    """Signatures and bodies."""
    lines = path.read_bytes().splitlines()
    return [(line[:64], line[65:]) for line in lines]


def _line(key: str, number: int) -> bytes:
    body = json.dumps(_webhook(number), separators=(",", ":")).encode()
    return hmac.digest(key.encode(), body, hashlib.sha256).hex().encode() + b" " + body + b"\n"


def _webhook(number: int) -> dict[str, Any]:
    """The commonest of a retrieval: progress of one source, with a link as long as the vendor's."""
    webhook: dict[str, Any] = {
        "meta": {
            "messageId": str(uuid.uuid4()),
            "when": "2026-06-01T15:09:31.204Z",
            "type": "network-query.hie",
            "requestId": str(uuid.uuid4()),
            "data": {"subject": f"subject-{number}"},
        },
        "payload": {
            "patientId": str(uuid.uuid4()),
            "externalId": f"subject-{number}",
            "purposeOfUse": "ias",
            "source": {
                "type": "hie",
                "source": _SOURCES[number % len(_SOURCES)],
                "status": "completed",
                "completedAt": "2026-06-01T15:09:31.204Z",
            },
            "consolidatedDataUrl": "https://downloads.example.org/consolidated?signature=",
        },
    }
    missing = SIZE - len(json.dumps(webhook, separators=(",", ":")))
    webhook["payload"]["consolidatedDataUrl"] += (uuid.uuid4().hex * 40)[:missing]
    return webhook
