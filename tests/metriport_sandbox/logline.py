"""Readable lines for a person who watches: what came in, what went out, no secret in full."""

import json
from typing import Any

from .ledger import Call
from .times import iso

_TAIL = 4
_NAMED_HEADERS = ("x-aal2-session",)
_NAMED_QUERY = ("purposeOfUse", "conversionType")
_NAMED_BODY = ("proofedIdentityId",)


def mask(secret: str) -> str:
    """Keep the kind and the end of a secret: `aal2_…7f58`; a short one disappears."""
    head, underscore, rest = secret.partition("_")
    prefix = f"{head}_" if underscore and rest and head.isalnum() else ""
    rest = rest if prefix else secret
    return f"{prefix}…{rest[-_TAIL:]}" if len(rest) > 2 * _TAIL else f"{prefix}…"


def call_line(call: Call, template: str) -> str:
    """Describe a call; the path is the route's template, which holds no token."""
    answer = "no answer" if call.status is None else str(call.status)
    words = [_clock(call.at), "→", call.method, template, answer, f"[{call.operation}]"]
    words += _interesting(call)
    return " ".join([*words, f"fault={call.fault}"] if call.fault else words)


def webhook_line(at: float, body: dict[str, Any], kind: str, outcome: str) -> str:
    """Describe a webhook that was sent, or kept back."""
    meta = body.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    payload = body.get("payload")
    payload = payload if isinstance(payload, dict) else {}
    words = [_clock(at), "⇒ webhook", str(meta.get("type")), outcome, f"({kind})"]
    words += [f"{key}={meta[key]}" for key in ("messageId", "requestId") if key in meta]
    if "purposeOfUse" in payload:
        words.append(f"purposeOfUse={payload['purposeOfUse']}")
    identity = payload.get("proofedIdentityId", body.get("proofedIdentityId"))
    if isinstance(identity, str):
        words.append(f"proofedIdentityId={mask(identity)}")
    return " ".join(words)


def _interesting(call: Call) -> list[str]:
    found = [f"{key}={call.query[key]}" for key in _NAMED_QUERY if key in call.query]
    body = _object(call.body)
    found += [f"{key}={mask(str(body[key]))}" for key in _NAMED_BODY if key in body]
    found += [f"{key}={mask(call.headers[key])}" for key in _NAMED_HEADERS if key in call.headers]
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _clock(at: float) -> str:
    return iso(at)[11:23]
