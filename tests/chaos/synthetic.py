"""A small run that never happened: one person's retrieval, written by hand, in which all is well."""

import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.chaos.checker import Evidence, Record

BEGAN = 1_800_000_000.0
SESSION, IDENTITY, PATIENT, SUBJECT = "aal2_session-one", "pid_identity-one", "patient-1", "jane"
LINK = "https://vendor.example/r.json?X-Amz-Signature=00112233445566778899aabbccddeeff"
LIMITS = {"start-network-query": 20, "network-query-pharmacy": 20, "write-patient": 15}
VERIFICATION, CHALLENGE, QUERY, CONSOLIDATED = "verify-1", "challenge-1", "query-1", "consolid-1"
Json = dict[str, Any]


def iso(seconds: float) -> str:
    """So many seconds after the run began."""
    return datetime.fromtimestamp(BEGAN + seconds, UTC).isoformat().replace("+00:00", "Z")


def event(number: int, name: str, subject: str = SUBJECT, /, **content: Any) -> Record:
    """An event as the relay would write it, a second for each number; with its own id unless it is given."""
    given = {"sequence": number, "subjectId": subject, **content}
    event_id = str(given.pop("id", f"{subject}-{number}"))
    headers = {"ce_id": event_id, "ce_type": f"ias.event.{name}", "ce_time": iso(number)}
    return record("ias.events.v1", number, headers, given, key=subject)


def record(topic: str, offset: int, headers: Json, value: Any, key: str = "k") -> Record:
    """A record on the first partition of a topic."""
    raw = tuple((name, str(text).encode()) for name, text in headers.items())
    body = json.dumps(value).encode()
    return Record(
        topic=topic,
        partition=0,
        offset=offset,
        timestamp=int((BEGAN + offset) * 1000),
        key=key.encode(),
        headers=raw,
        value=body,
    )


def call(number: int, operation: str, **more: Any) -> Json:
    """A line of the vendor's ledger; ``body`` and ``answer`` are given as values."""
    plain: Json = {"path": "/", "query": {}, "headers": {}, "body": {}, "answer": {}}
    line = {"number": number, "at": iso(number), "operation": operation, **plain, **more}
    texts = {name: json.dumps(line[name]) for name in ("body", "answer")}
    return {"status": 200, "fault": None, **line, **texts}


def query_call(number: int, query_id: str = QUERY, **more: Any) -> Json:
    """An accepted Start Network Query of the person's."""
    body = {
        "proofedIdentityId": IDENTITY,
        "metadata": {"iasQueryId": query_id},
        "sources": {"pharmacy": {"enabled": True}},
    }
    given = {"query": {"patientId": PATIENT}, "headers": {"x-aal2-session": SESSION}, "body": body}
    answer = {"requestId": f"vendor-{query_id}"}
    return call(number, "start-network-query", **{**given, "answer": answer, **more})


def webhook(message_id: str, kind: str, fields: Json, request_id: str, data: Json) -> Json:
    """A row of the vendor's, delivered and answered 200."""
    meta = {"messageId": message_id, "requestId": request_id, "type": kind, "data": data}
    body = {"meta": meta, **fields}
    return {"message_id": message_id, "type": kind, "status": "success", "body": body}


def delivery(row: Json, **more: Any) -> Json:
    """One attempt to deliver a row."""
    head = {"kind": "first", "message_id": row["message_id"], "type": row["type"], "at": iso(8)}
    return {**head, "answered": True, "status": 200, "body": json.dumps(row["body"]), **more}


def _webhooks() -> list[Json]:
    verified = {"patientId": PATIENT, "proofedIdentityId": IDENTITY}
    source = {"type": "pharmacy", "status": "completed", "completedAt": iso(9)}
    attachment = {"attachment": {"url": LINK}}
    bundle = {"entry": [{"resource": {"content": [attachment]}}]}
    patient = {"patientId": PATIENT, "status": "completed", "bundle": bundle}
    ours = {"iasVerificationId": VERIFICATION}
    payload = {"patientId": PATIENT, "source": source}
    query, data = {"iasQueryId": QUERY}, "medical.consolidated-data"
    return [
        webhook("m1", "ias.identity.verified", {"payload": verified}, "s1", ours),
        webhook("m2", "network-query.pharmacy", {"payload": payload}, f"vendor-{QUERY}", query),
        webhook("m3", data, {"patients": [patient]}, "vendor-consolidated", {}),
    ]


def _events() -> list[Record]:
    who = {"patientId": PATIENT}
    query = {**who, "commandId": "c5", "requestId": QUERY}
    running = [{"source": "pharmacy", "status": "processing"}]
    done = [{"source": "pharmacy", "status": "completed"}]
    asked = {**who, "kind": "identity_verification", "linkId": VERIFICATION}
    told = {"source": "pharmacy", "status": "completed", "from": "webhook"}
    return [
        event(1, "PatientRegistered", commandId="c1", purpose="ias", **who),
        event(2, "UserActionRequired", commandId="c2", **asked),
        event(3, "IdentityVerified", commandId="c2", linkId=VERIFICATION, **who),
        event(4, "Aal2SessionReceived", commandId="c3", linkId=CHALLENGE, **who),
        event(5, "ReturnConfirmed", commandId="c4", linkId=CHALLENGE, **who),
        event(6, "NetworkQueryQueued", **query),
        event(7, "NetworkQueryStarted", sources=running, **query),
        event(8, "NetworkQuerySourceUpdated", **told, **query),
        event(9, "NetworkQueryFinished", sources=done, **query),
        event(10, "ConsolidatedDataReady", commandId="c6", linkId="data-1", noData=False, **who),
    ]


def _sent() -> list[Json]:
    names = [
        *("RegisterPatient", "StartIdentityVerification", "StartAal2Challenge"),
        *("ConfirmReturn", "StartNetworkQuery", "StartConsolidatedQuery"),
    ]
    return [
        {"type": name, "commandId": f"c{n}", "subjectId": SUBJECT, "at": BEGAN, "content": {}}
        for n, name in enumerate(names, 1)
    ]


def _vendor() -> Json:
    pair = {"identity_id": IDENTITY, "patient_id": PATIENT}
    session = {"id": SESSION, **pair}
    query = {"patient_id": PATIENT, "purpose": "ias", "metadata": {"iasQueryId": QUERY}}
    page = {"token": "hosted-page-token"}
    return {
        "identities": {IDENTITY: {"id": IDENTITY, "patient_id": PATIENT}},
        "aal2_sessions": {SESSION: session},
        "network_queries": {f"vendor-{QUERY}": query},
        "identity_sessions": {"hosted-page-token": page},
        "challenges": {},
    }


def _records(rows: list[Json], sent: list[Json]) -> list[Record]:
    link = {"linkId": "data-1", "kind": "consolidated_data", "url": LINK}
    whose = {"subjectId": SUBJECT, "patientId": PATIENT}
    topic = "metriport.webhooks.v1"
    return [
        *_events(),
        *(record(topic, n, {"ce_id": row["message_id"]}, {}) for n, row in enumerate(rows)),
        *(record("ias.commands.v1", n, {"ce_id": n}, {}) for n, _ in enumerate(sent)),
        record("ias.links.v1", 0, {"ce_id": "data-1"}, {**link, **whose}),
    ]


def good() -> Evidence:
    """All is well."""
    rows, sent = _webhooks(), _sent()
    path = f"/medical/v1/patient/{PATIENT}/consolidated/query"
    answer = {"requestId": "vendor-consolidated"}
    return Evidence(
        at=BEGAN + 60,
        sent=tuple(sent),
        calls=(query_call(7), call(9, "start-consolidated-query", path=path, answer=answer)),
        vendor=_vendor(),
        webhooks=tuple(rows),
        deliveries=tuple(map(delivery, rows)),
        records=tuple(_records(rows, sent)),
        dump="create table nothing_secret ();",
        logs={"gateway": "gateway.call_recorded"},
        limits=LIMITS,
        keys={"the API key": "api-key-of-the-account"},
    )


def with_records(evidence: Evidence, *more: Record) -> Evidence:
    """With further records."""
    return replace(evidence, records=(*evidence.records, *more))


def without(evidence: Evidence, *event_ids: str) -> Evidence:
    """Without the records of these ids."""
    kept = [one for one in evidence.records if one.header("ce_id") not in event_ids]
    return replace(evidence, records=tuple(kept))


def with_calls(evidence: Evidence, *more: Json) -> Evidence:
    """With further calls to the vendor."""
    return replace(evidence, calls=(*evidence.calls, *more))


def with_webhook(evidence: Evidence, row: Json, **how: Any) -> Evidence:
    """With a further webhook of the vendor's, delivered so."""
    tried = (*evidence.deliveries, delivery(row, **how))
    return replace(evidence, webhooks=(*evidence.webhooks, row), deliveries=tried)


def with_vendor(evidence: Evidence, kind: str, key: str, **fields: Any) -> Evidence:
    """With something else in the vendor's own state: what is there is changed, else it is new."""
    vendor = deepcopy(dict(evidence.vendor))
    vendor[kind][key] = {**vendor[kind].get(key, {}), **fields}
    return replace(evidence, vendor=vendor)
