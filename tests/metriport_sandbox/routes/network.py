"""Start and read network queries."""

import uuid

from aiohttp import web

from tests.metriport_sandbox import network
from tests.metriport_sandbox.errors import json_answer, not_found
from tests.metriport_sandbox.gatekeeper import check_ias
from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.rules.checks import Issues
from tests.metriport_sandbox.rules.query_form import read_network_query

from .common import body_of, demand, patient_of

_BASE = "/medical/v1/network/query"


def routes(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return the routes of this family."""
    queries = NetworkRoutes(sandbox)
    return [
        web.post(_BASE, queries.start, name="start-network-query"),
        web.get(f"{_BASE}/{{id}}", queries.get, name="get-network-query"),
    ]


class NetworkRoutes:
    """Handlers of `/medical/v1/network/query`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def start(self, request: web.Request) -> web.Response:
        """Start a query: the patient is looked up before the body is read (vendor code)."""
        sandbox = self._sandbox
        patient = patient_of(sandbox, demand(request, "patientId"))
        form = read_network_query(request.query, await body_of(request))
        if form.purpose == "ias":
            check_ias(
                sandbox,
                patient,
                identity_id=form.identity_id,
                session_id=request.headers.get("x-aal2-session"),
            )
        facility_id = request.query.get("facilityId")
        query = network.start(sandbox, patient, form, facility_id=facility_id)
        return json_answer(network.show(sandbox, query))

    async def get(self, request: web.Request) -> web.Response:
        """Return a query's status; no session is needed for that (Metriport docs)."""
        request_id = request.match_info["id"]
        if not _is_uuid(request_id):
            issues = Issues()
            issues.add("Invalid uuid", ("requestId",))
            raise issues.refusal()
        query = self._sandbox.state.network_queries.get(request_id)
        if query is None:
            raise not_found("Network query not found", requestId=request_id)
        return json_answer(network.show(self._sandbox, query))


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
