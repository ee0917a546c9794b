"""The good run with a record request in it, written by hand, and runs that break its rules.

Jane asks with one command for a record of the patient that she is linked to: a second query, with the
session that she has, and a second data link.
"""

from collections.abc import Callable
from dataclasses import replace

from tests.chaos.checker import Evidence, Waiting
from tests.chaos.synthetic import (
    BEGAN,
    PATIENT,
    SUBJECT,
    Json,
    call,
    event,
    good,
    iso,
    query_call,
    record,
    webhook,
    with_calls,
    with_records,
    with_vendor,
    with_webhook,
    without,
)

COMMAND, REQUEST, OWN_QUERY = "c7", "request-1", "query-of-request"
URL = "https://vendor.example/again.json?X-Amz-Signature=ffeeddccbbaa99887766554433221100"
OTHERS_URL = "https://vendor.example/other.json?X-Amz-Signature=0f0e0d0c0b0a09080706050403020100"
WHO = {"patientId": PATIENT, "commandId": COMMAND}
END = {**WHO, "requestId": REQUEST, "result": "ready", "linkId": "data-2"}
"""How it ended."""


def state(offset: int, **fields: object) -> Json:
    """Fields of a state on the compacted topic."""
    return {"requestId": REQUEST, "subjectId": SUBJECT, "offset": offset, **fields}


def _told() -> list[Json]:
    running = {**WHO, "requestId": OWN_QUERY}
    done = [{"source": "pharmacy", "status": "completed"}]
    return [
        {"name": "RecordRequestUpdated", **WHO, "requestId": REQUEST, "step": "network_query"},
        {"name": "NetworkQueryQueued", **running},
        {"name": "NetworkQueryStarted", "sources": done, **running},
        {"name": "NetworkQueryFinished", "sources": done, **running},
        {"name": "ConsolidatedDataReady", **WHO, "linkId": "data-2", "noData": False},
        {"name": "RecordRequestFinished", **END},
    ]


def _data(url: str, patient_id: str, message_id: str) -> Json:
    """The vendor's webhook with a link to a record."""
    bundle = {"entry": [{"resource": {"content": [{"attachment": {"url": url}}]}}]}
    patients = [{"patientId": patient_id, "status": "completed", "bundle": bundle}]
    kind = "medical.consolidated-data"
    return webhook(message_id, kind, {"patients": patients}, f"vendor-{message_id}", {})


def _link(url: str) -> Json:
    link = {"linkId": "data-2", "kind": "consolidated_data", "url": url}
    return {**link, "subjectId": SUBJECT, "patientId": PATIENT}


def requested(url: str = URL) -> Evidence:
    """All is well."""
    path = f"/medical/v1/patient/{PATIENT}/consolidated/query"
    collect = call(13, "start-consolidated-query", path=path, answer={"requestId": "vendor-m4"})
    told = [event(n, one.pop("name"), **one) for n, one in enumerate(_told(), start=11)]
    asked = {"type": "RequestRecords", "commandId": COMMAND, "subjectId": SUBJECT, "at": iso(10)}
    command = {**asked, "content": {"patientId": PATIENT}}
    query = {"patient_id": PATIENT, "purpose": "ias", "metadata": {"iasQueryId": OWN_QUERY}}
    found = with_calls(good(), query_call(12, OWN_QUERY), collect)
    found = with_vendor(found, "network_queries", f"vendor-{OWN_QUERY}", **query)
    for row in (_data(URL, PATIENT, "m4"), _data(OTHERS_URL, "patient-2", "m5")):
        found = with_webhook(found, row)
    found = with_records(
        found,
        *told,
        *(record("metriport.webhooks.v1", n, {"ce_id": f"m{n}"}, {}) for n in (4, 5)),
        record("ias.links.v1", 1, {"ce_id": "data-2"}, _link(url)),
        record("ias.commands.v1", 6, {"ce_id": "7"}, {}),
        record("ias.record-requests.v1", 0, {"ce_id": "s0"}, state(0, result=None)),
        record("ias.record-requests.v1", 1, {"ce_id": "s1"}, state(1, result="ready")),
    )
    return replace(found, sent=(*found.sent, command))


def unfinished(*waits: Waiting) -> Evidence:
    """It has no end; what the database says that it waits for."""
    return replace(without(requested(), "jane-16"), waiting=waits)


def waiting(what: str, deadline: float) -> Waiting:
    """A row of the database's."""
    return Waiting(subject_id=SUBJECT, command_id=COMMAND, what=what, deadline=BEGAN + deadline)


def ending(**changed: object) -> Evidence:
    """It ended otherwise."""
    return with_records(
        without(requested(), "jane-16"), event(16, "RecordRequestFinished", **{**END, **changed})
    )


def other_session() -> Evidence:
    """The call for it carried a session that is another patient's."""
    other = {"id": "aal2_other", "identity_id": "pid_other", "patient_id": "patient-2"}
    found = with_vendor(requested(), "aal2_sessions", "aal2_other", **other)
    headers = {"x-aal2-session": "aal2_other"}
    return with_calls(found, query_call(14, OWN_QUERY, headers=headers))


BROKEN: list[tuple[str, Callable[[], Evidence]]] = [
    ("has no end, and nothing waits for it", unfinished),
    ("waits past its deadline", lambda: unfinished(waiting("sources", -100))),
    ("waits for nothing that has a name", lambda: unfinished(waiting("nothing yet", 3600))),
    (
        "is finished twice",
        lambda: with_records(requested(), event(17, "RecordRequestFinished", **END)),
    ),
    ("ends as nothing that there is", lambda: ending(result="done")),
    ("ends otherwise than its last state says", lambda: ending(result="partial")),
    ("is ready without the link that the vendor sent", lambda: ending(linkId=None)),
    ("is ready for another patient", lambda: ending(patientId="patient-2")),
    ("is ready with the record of another patient", lambda: requested(OTHERS_URL)),
    ("called with a session of another patient", other_session),
]
