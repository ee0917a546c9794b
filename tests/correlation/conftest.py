"""Vendor request ids that say when they were started, and webhooks about them."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from tests.support import records

PATIENT = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"
"""As in the recorded webhooks."""


def request_started_at(moment: datetime) -> str:
    """A UUID of version 7 (RFC 9562, 5.7), as the vendor makes them."""
    milliseconds = int(moment.timestamp() * 1000)
    random = secrets.randbits(74)
    high, low = random >> 62, random & (2**62 - 1)
    return str(UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low))


def about(name: str, request_id: str | None, **meta: Any) -> Any:
    """A recorded ``network-query.*`` webhook for another request, as a new message.

    ``data=None`` leaves the metadata out, as a re-send does.
    """
    body = records.again(records.sample(f"network-query.{name}"))
    body["meta"] |= meta
    body["meta"]["requestId"] = request_id
    for key in ("requestId", "data"):
        if body["meta"][key] is None:
            del body["meta"][key]
    return body
