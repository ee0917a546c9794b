"""What several families of routes need."""

import json
from typing import Any

from aiohttp import web

from tests.metriport_sandbox.errors import bad_request, not_found
from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.state import Patient


async def body_of(request: web.Request) -> Any:
    """Return the JSON body.

    Express parses a body only if its type is `application/json`: without that header, as
    without a body, the application sees an empty object.

    Raises:
        ApiError: 400, it is not JSON.
    """
    return parsed(await request.read() if request.content_type == "application/json" else b"")


def parsed(raw: bytes) -> Any:
    """Return JSON from bytes; none are an empty object.

    Raises:
        ApiError: 400, it is not JSON.
    """
    try:
        return json.loads(raw or b"{}")
    except ValueError:
        raise bad_request("Request body is not valid JSON") from None


def demand(request: web.Request, name: str) -> str:
    """Return a query parameter.

    Raises:
        ApiError: 400, it is missing.
    """
    if value := request.query.get(name):
        return value
    raise bad_request(f"Missing {name} query param")


def patient_of(sandbox: Sandbox, patient_id: str) -> Patient:
    """Return the patient.

    Raises:
        ApiError: 404 in the envelope.
    """
    if (patient := sandbox.state.patients.get(patient_id)) is None:
        raise not_found("Could not find patient", id=patient_id)
    return patient
