"""Consolidated data queries.

Vendor code: the same parameters while one is processing give the same request id back, and
the new metadata is ignored; otherwise metadata is kept once per patient, so that of two
queries in flight both webhooks may carry the later one; starting a query drops finished rows.
"""

from aiohttp import web

from tests.metriport_sandbox.errors import json_answer, not_found
from tests.metriport_sandbox.events import CONSOLIDATED_DATA, consolidated_data
from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.records import library
from tests.metriport_sandbox.rules.checks import Issues
from tests.metriport_sandbox.rules.query_form import read_consolidated_query
from tests.metriport_sandbox.scripts import Outcome
from tests.metriport_sandbox.state import ConsolidatedQuery, Json, Patient

from .common import body_of, patient_of

_BASE = "/medical/v1/patient/{id}/consolidated/query"
_MESSAGE = (
    "Trigger a new query by POST /patient/:id/consolidated/query; data will be sent through Webhook"
)


def routes(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return the routes of this family."""
    queries = ConsolidatedRoutes(sandbox)
    return [
        web.post(_BASE, queries.start, name="start-consolidated-query"),
        web.get(_BASE, queries.show_all, name="list-consolidated-queries"),
        web.get(f"{_BASE}/{{request_id}}", queries.get, name="get-consolidated-query"),
    ]


class ConsolidatedRoutes:
    """Handlers of `/medical/v1/patient/{id}/consolidated/query`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def start(self, request: web.Request) -> web.Response:
        """Start a query, or return the one with these parameters that is processing."""
        patient = patient_of(self._sandbox, request.match_info["id"])
        parameters = read_consolidated_query(request.query)
        issues = Issues()
        metadata = issues.metadata(issues.obj(await body_of(request)) or {})
        issues.raise_if_any()
        running = [row for row in self._of(patient) if row.status == "processing"]
        for row in running:
            if row.parameters == parameters:
                return json_answer(row.dto())
        return json_answer(self._begin(patient, parameters, metadata).dto())

    async def show_all(self, request: web.Request) -> web.Response:
        """Return all rows of a patient; the outer status is deprecated."""
        rows = self._of(patient_of(self._sandbox, request.match_info["id"]))
        body: Json = {"status": rows[-1].status} if rows else {}
        return json_answer(body | {"queries": [row.dto() for row in rows], "message": _MESSAGE})

    async def get(self, request: web.Request) -> web.Response:
        """Return one row."""
        patient = patient_of(self._sandbox, request.match_info["id"])
        request_id = request.match_info["request_id"]
        for row in self._of(patient):
            if row.request_id == request_id:
                return json_answer(row.dto())
        raise not_found("Consolidated query not found", requestId=request_id)

    def _of(self, patient: Patient) -> list[ConsolidatedQuery]:
        rows = self._sandbox.state.consolidated_queries
        return [row for row in rows if row.patient_id == patient.id]

    def _begin(
        self, patient: Patient, parameters: Json, metadata: Json | None
    ) -> ConsolidatedQuery:
        sandbox, state = self._sandbox, self._sandbox.state
        state.consolidated_queries = [
            row
            for row in state.consolidated_queries
            if row.patient_id != patient.id or row.status == "processing"
        ]
        patient.consolidated_metadata = metadata
        query = ConsolidatedQuery(
            request_id=sandbox.ids.uuid7(),
            patient_id=patient.id,
            started=sandbox.now(),
            parameters=parameters,
        )
        state.consolidated_queries.append(query)
        outcome = sandbox.scripts.take_outcome("consolidated")
        if outcome.result != "stuck":
            work = self._finish(patient, query, outcome)
            sandbox.background.spawn(work, name=f"consolidated {query.request_id}")
        return query

    async def _finish(self, patient: Patient, query: ConsolidatedQuery, outcome: Outcome) -> None:
        sandbox = self._sandbox
        step = sandbox.config.step_seconds
        await sandbox.background.sleep(step if outcome.seconds is None else outcome.seconds)
        attachments = self._attachments(patient, query, outcome)
        query.status = "failed" if attachments is None else "completed"
        fields = consolidated_data(
            patient,
            parameters=query.parameters,
            attachments=attachments,
            bundle_type=sandbox.config.bundle_type,
        )
        metadata = patient.consolidated_metadata
        if outcome.notify and not suppressed(metadata):
            sandbox.sender.emit(
                CONSOLIDATED_DATA, fields, request_id=query.request_id, metadata=metadata
            )

    def _attachments(
        self, patient: Patient, query: ConsolidatedQuery, outcome: Outcome
    ) -> list[tuple[str, str]] | None:
        match outcome.result:
            case "failed" | "refused":
                return None
            case "empty":
                return []
            case _:
                return library.attachments(self._sandbox, patient, query.parameters)


def suppressed(metadata: Json | None) -> bool:
    """Tell whether metadata holds the flag that keeps the webhook back (vendor code)."""
    return (metadata or {}).get("disableWHFlag") == "true"
