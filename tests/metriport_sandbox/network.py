"""Network queries: how they start, advance and end.

Vendor code, before and after IAS: sources start one by one and a failing one becomes an entry
of `errors` inside a 200; each source that completes sends one webhook; HIE may announce early
data first. While an HIE run is going on for a patient, a second start gets its own request id
but no HIE work: that row stays `processing` for ever (the overlap hazard).

Time, in steps: HIE's first data after 1, HIE after 2, pharmacy after 3, lab after 4.
"""

from .errors import opted_out
from .events import first_data_ready, source_finished
from .kernel import Sandbox
from .records import library
from .rules.query_form import NetworkForm
from .scripts import Outcome
from .state import Json, NetworkQuery, Patient, SourceRow
from .times import iso

_LABELS = {"hie": "HIE", "pharmacy": "Pharmacy", "lab": "Laboratory"}
_STEPS = {"hie": 1, "pharmacy": 3, "lab": 4}


def start(
    sandbox: Sandbox, patient: Patient, form: NetworkForm, *, facility_id: str | None
) -> NetworkQuery:
    """Start a network query for a patient who may be queried.

    Raises:
        ApiError: the patient opted out.
    """
    if patient.opted_out:
        raise opted_out()
    query = NetworkQuery(
        request_id=sandbox.ids.uuid7(),
        patient_id=patient.id,
        purpose=form.purpose,
        started=sandbox.now(),
        metadata=form.metadata,
    )
    library.forget_consolidated(sandbox, patient)
    foreign = facility_id is not None and facility_id not in patient.facility_ids
    for source in form.sources:
        _start_source(sandbox, query, source, foreign=foreign)
    sandbox.state.network_queries[query.request_id] = query
    return query


def show(sandbox: Sandbox, query: NetworkQuery) -> Json:
    """Return the query as both endpoints show it."""
    running = sandbox.config.running_word
    body: Json = {
        "requestId": query.request_id,
        "startedAt": iso(query.started),
        "status": _word(_overall(query), running),
        "sources": [_show_source(row, running) for row in query.sources],
    }
    return body | {"errors": query.errors} if query.errors else body


def _overall(query: NetworkQuery) -> str:
    states = {row.status for row in query.sources}
    listed = {row.type for row in query.sources}
    if any(error["source"] not in listed for error in query.errors):
        states.add("failed")  # a source that is listed as an error only
    if "processing" in states:
        return "processing"
    return "partial" if len(states) > 1 else states.pop()


def _word(status: str, running: str) -> str:
    return running if status == "processing" else status


def _show_source(row: SourceRow, running: str) -> Json:
    body: Json = {
        "type": row.type,
        "status": _word(row.status, running),
        "startedAt": iso(row.started),
    }
    return body if row.completed is None else body | {"completedAt": iso(row.completed)}


def _start_source(sandbox: Sandbox, query: NetworkQuery, source: str, *, foreign: bool) -> None:
    outcome = sandbox.scripts.take_outcome(source)
    row = SourceRow(type=source, status="processing", started=sandbox.now())
    if (refusal := _refusal(sandbox, source, outcome, foreign=foreign)) is not None:
        _refuse(sandbox, query, row, *refusal)
        return
    query.sources.append(row)
    patient = sandbox.state.patients[query.patient_id]
    skipped = source == "hie" and patient.hie_running
    if skipped or outcome.result == "stuck":
        return
    patient.hie_running = patient.hie_running or source == "hie"
    work = _advance(sandbox, query, row, outcome)
    sandbox.background.spawn(work, name=f"{source} {query.request_id}")


def _refusal(
    sandbox: Sandbox, source: str, outcome: Outcome, *, foreign: bool
) -> tuple[int, str] | None:
    """Say with which status and text a source fails to start, if it does."""
    label = _LABELS[source]
    if source not in sandbox.config.sources:
        return 400, f"{label} data source is not enabled for this account"
    verdict = sandbox.limiter.hit(f"network-query-{source}")
    if verdict is not None and not verdict.allowed:
        return 429, f"Rate limit exceeded for {label.lower()} data source"
    unexpected = f"Unexpected error querying {label} data source"
    if foreign:
        return 500, unexpected
    if outcome.result == "refused":
        return outcome.http_status, outcome.message or unexpected
    return None


def _refuse(
    sandbox: Sandbox, query: NetworkQuery, row: SourceRow, status: int, message: str
) -> None:
    row.status, row.completed = "failed", row.started
    if sandbox.config.failed_listing == "both":
        query.sources.append(row)
    query.errors.append(_error(row, status, message))


def _error(row: SourceRow, status: int, message: str) -> Json:
    return {
        "source": row.type,
        "httpStatus": status,
        "message": message,
        "timestamp": iso(row.completed or row.started),
    }


async def _advance(sandbox: Sandbox, query: NetworkQuery, row: SourceRow, outcome: Outcome) -> None:
    """Run one source to its end."""
    patient = sandbox.state.patients[query.patient_id]
    step = sandbox.config.step_seconds
    await sandbox.background.sleep(_waits(row.type, step, outcome))
    if row.type == "hie":
        await _early_data(sandbox, query, patient, outcome)
    row.status = "failed" if outcome.result == "failed" else "completed"
    row.completed = sandbox.now()
    if row.type == "hie":
        patient.hie_running = False
    if row.status == "failed":
        message = outcome.message or f"Unexpected error querying {_LABELS[row.type]} data source"
        query.errors.append(_error(row, outcome.http_status, message))
    elif outcome.result != "empty":
        patient.gathered.add(row.type)
    if outcome.notify:
        url = library.consolidated_url(sandbox, patient)
        fields = source_finished(row, patient, purpose=query.purpose, url=url)
        _emit(sandbox, query, f"network-query.{row.type}", fields)


def _waits(source: str, step: float, outcome: Outcome) -> float:
    return _STEPS[source] * step if outcome.seconds is None else outcome.seconds


async def _early_data(
    sandbox: Sandbox, query: NetworkQuery, patient: Patient, outcome: Outcome
) -> None:
    """Announce partial HIE data, when there is any, and let one step pass."""
    if outcome.result == "completed" and library.has_record(patient):
        patient.gathered.add("early")
        if outcome.notify:
            url = library.consolidated_url(sandbox, patient)
            fields = first_data_ready(patient, at=sandbox.now(), purpose=query.purpose, url=url)
            _emit(sandbox, query, "network-query.hie.first-data-ready", fields)
    await sandbox.background.sleep(sandbox.config.step_seconds)


def _emit(sandbox: Sandbox, query: NetworkQuery, type_: str, fields: Json) -> None:
    sandbox.sender.emit(type_, fields, request_id=query.request_id, metadata=query.metadata)
