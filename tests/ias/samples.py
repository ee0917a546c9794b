"""The vendor's recorded bodies, read as the service reads them."""

import json
from pathlib import Path
from typing import Any

import msgspec

from schemas.metriport import api, webhooks

SAMPLES = Path(__file__).parents[1] / "samples" / "metriport"
PATIENT = "0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11"
"""The patient of every sample."""


def body(name: str) -> Any:
    """A webhook's body as plain JSON."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def identity(raw: Any) -> webhooks.IdentityVerified:
    """An ``ias.identity.verified`` webhook."""
    return msgspec.json.decode(json.dumps(raw), type=webhooks.IdentityVerified)


def network_query(name: str) -> webhooks.NetworkQuery:
    """A ``network-query.*`` webhook."""
    return msgspec.json.decode(json.dumps(body(name)), type=webhooks.NetworkQuery)


def consolidated(name: str) -> webhooks.ConsolidatedData:
    """A ``medical.consolidated-data`` webhook."""
    return msgspec.json.decode(json.dumps(body(name)), type=webhooks.ConsolidatedData)


def answer(name: str) -> api.NetworkQuery:
    """An answer to Start or Get Network Query."""
    return msgspec.json.decode(json.dumps(body(name)["response"]["body"]), type=api.NetworkQuery)


def patient(name: str) -> api.Patient:
    """An answer to Create Patient."""
    return msgspec.json.decode(json.dumps(body(name)["response"]["body"]), type=api.Patient)
