"""Bulk document links: one run per patient at a time, one webhook with all documents."""

from aiohttp import web

from tests.metriport_sandbox.errors import json_answer
from tests.metriport_sandbox.events import BULK_DOCUMENT_URLS, bulk_document_urls
from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.records import library
from tests.metriport_sandbox.rules.checks import Issues
from tests.metriport_sandbox.scripts import Outcome
from tests.metriport_sandbox.state import Json, Patient

from .common import body_of, demand, patient_of
from .consolidated import suppressed

_PATH = "/medical/v1/document/download-url/bulk"


def routes(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return the routes of this family."""
    return [web.post(_PATH, DocumentRoutes(sandbox).start, name="start-bulk-documents")]


class DocumentRoutes:
    """Handler of bulk document links."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def start(self, request: web.Request) -> web.Response:
        """Start a run, or return the one that is going on."""
        sandbox = self._sandbox
        patient = patient_of(sandbox, demand(request, "patientId"))
        issues = Issues()
        metadata = issues.metadata(issues.obj(await body_of(request)) or {})
        issues.raise_if_any()
        running = sandbox.state.bulk_requests
        if patient.id not in running:
            running[patient.id] = sandbox.ids.uuid7()
            outcome = sandbox.scripts.take_outcome("documents")
            if outcome.result != "stuck":
                work = self._finish(patient, metadata, outcome)
                sandbox.background.spawn(work, name=f"documents {patient.id}")
        return json_answer({"status": "processing", "requestId": running[patient.id]})

    async def _finish(self, patient: Patient, metadata: Json | None, outcome: Outcome) -> None:
        sandbox = self._sandbox
        step = sandbox.config.step_seconds
        await sandbox.background.sleep(step if outcome.seconds is None else outcome.seconds)
        documents: list[Json] | None = None
        if outcome.result in {"completed", "empty"}:
            wanted = outcome.result == "completed"
            documents = library.document_links(sandbox, patient) if wanted else []
        request_id = sandbox.state.bulk_requests.pop(patient.id)
        if outcome.notify and not suppressed(metadata):
            fields = bulk_document_urls(patient, documents=documents)
            sandbox.sender.emit(
                BULK_DOCUMENT_URLS, fields, request_id=request_id, metadata=metadata
            )
