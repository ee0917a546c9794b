"""Puts records behind links: what each patient's networks have brought in so far.

Nothing is there before a network query: a consolidated query then delivers an empty bundle.
HIE's early data, the rest of HIE, pharmacy and lab each add their part. The object behind
`consolidatedDataUrl` is one per patient, always the current record, and gone from a query's
start until its first data (vendor code), so that a link can be alive and its file missing.
"""

import gzip
from typing import Any

from tests.metriport_sandbox.config import CX_ID
from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.links import StoredObject
from tests.metriport_sandbox.state import Json, Patient
from tests.metriport_sandbox.wire import to_bytes

from . import brief, fhir, jane
from .fhir import Resource
from .files import Document, documents, html, pdf
from .personas import JANE, Persona, persona_of

_PARTS_OF = {"early": {"early"}, "hie": {"early", "hie"}}
_DATE_KEYS = (
    "effectiveDateTime",
    "authoredOn",
    "occurrenceDateTime",
    "onsetDateTime",
    "whenHandedOver",
    "date",
)


def has_record(patient: Patient) -> bool:
    """Tell whether the networks know anything about this patient: personas only."""
    return _persona(patient) is not None


def forget_consolidated(sandbox: Sandbox, patient: Patient) -> None:
    """Drop the cached consolidated file, as a query's start does."""
    sandbox.bucket.objects.pop(_key(patient, "CONSOLIDATED_DATA.json"), None)


def consolidated_url(sandbox: Sandbox, patient: Patient) -> str:
    """Store the current record and return a link to it."""
    content = to_bytes(bundle(patient))
    return _store(sandbox, _key(patient, "CONSOLIDATED_DATA.json"), content, "application/json")


def attachments(sandbox: Sandbox, patient: Patient, parameters: Json) -> list[tuple[str, str]]:
    """Store a consolidated query's result; return (content type, link), or nothing: no data.

    A patient who is no persona gets Jane's file as pdf or html (Metriport docs, code).
    """
    conversion = parameters["conversionType"]
    if conversion == "json":
        found = bundle(patient, parameters)
        return _json_files(sandbox, patient, to_bytes(found)) if found["entry"] else []
    if has_record(patient) and not patient.gathered:
        return []
    content, content_type = _converted(patient, conversion)
    url = _store(sandbox, _key(patient, f"MR.{conversion}"), content, content_type)
    return [(content_type, url)]


def bundle(patient: Patient, parameters: Json | None = None) -> Resource:
    """Return the patient's record as a FHIR bundle."""
    persona = _persona(patient)
    parts = set().union(*(_PARTS_OF.get(part, {part}) for part in patient.gathered))
    found: list[Resource] = []
    if persona is not None and parts:
        record = jane.record() if persona is JANE else brief.record(persona)
        found = [_person(patient, persona), *(item for part, item in record if part in parts)]
        if "hie" in parts:
            found += [_document_reference(document) for document in documents()]
    chosen = [_for_patient(item, patient) for item in found if _is_wanted(item, parameters or {})]
    entry = [{"fullUrl": f"urn:uuid:{item['id']}", "resource": item} for item in chosen]
    return {"resourceType": "Bundle", "type": "collection", "total": len(entry), "entry": entry}


def document_links(sandbox: Sandbox, patient: Patient) -> list[Json]:
    """Store the patient's documents and return their entries for the bulk webhook."""
    if not has_record(patient) or "hie" not in patient.gathered:
        return []
    return [_document_entry(sandbox, patient, document) for document in documents()]


def _persona(patient: Patient) -> Persona | None:
    return persona_of(patient.demographics["firstName"])


def _name(persona: Persona) -> str:
    return f"{persona.first_name} {persona.last_name}"


def _key(patient: Patient, name: str) -> str:
    return f"{CX_ID}/{patient.id}/{CX_ID}_{patient.id}_{name}"


def _store(
    sandbox: Sandbox, key: str, content: bytes, type_: str, *, encoding: str | None = None
) -> str:
    sandbox.bucket.objects[key] = StoredObject(content, type_, encoding)
    return sandbox.bucket.link(sandbox.origin, key, sandbox.config.link_seconds)


def _json_files(sandbox: Sandbox, patient: Patient, content: bytes) -> list[tuple[str, str]]:
    packed = gzip.compress(content, mtime=0)
    plain = _store(sandbox, _key(patient, "MR.json"), content, "application/json")
    gzipped = _store(
        sandbox, _key(patient, "MR.json.gz"), packed, "application/gzip", encoding="gzip"
    )
    return [("application/json", plain), ("application/gzip", gzipped)]


def _converted(patient: Patient, conversion: str) -> tuple[bytes, str]:
    persona = _persona(patient) or JANE
    title = f"Medical record summary: {_name(persona)}"
    if conversion == "pdf":
        return pdf(title), "application/pdf"
    return html(title, [text for _, _, text, _ in persona.conditions]), "text/html"


def _person(patient: Patient, persona: Persona) -> Resource:
    line, city, state, postal_code = persona.address
    return {
        "resourceType": "Patient",
        "id": patient.id,
        "name": [{"family": persona.last_name, "given": [persona.first_name]}],
        "gender": persona.gender,
        "birthDate": persona.dob,
        "address": [{"line": [line], "city": city, "state": state, "postalCode": postal_code}],
    }


def _for_patient(item: Resource, patient: Patient) -> Resource:
    """Put the patient's id where the tables left a blank."""
    for key in ("subject", "patient"):
        if item.get(key) == {"reference": fhir.PATIENT}:
            return item | {key: {"reference": f"Patient/{patient.id}"}}
    return item


def _is_wanted(item: Resource, parameters: Json) -> bool:
    """Apply the query's filters; what has no date of its own passes the date filters."""
    resources = parameters.get("resources")
    if resources and item["resourceType"] not in resources:
        return False
    date = _date(item)
    if date is None:
        return True
    earliest, latest = parameters.get("dateFrom", ""), parameters.get("dateTo", "9999")
    return bool(earliest <= date <= latest)


def _date(item: Resource) -> str | None:
    found: Any = next((item[key] for key in _DATE_KEYS if key in item), None)
    if found is None:
        found = item.get("period", {}).get("start")
    return found[:10] if isinstance(found, str) else None


def _document_reference(document: Document) -> Resource:
    code = (document.loinc, document.title)
    return fhir.document(document.name, code, document.date, document.mime_type)


def _document_entry(sandbox: Sandbox, patient: Patient, document: Document) -> Json:
    persona = _persona(patient) or JANE
    id_ = fhir.resource_id("DocumentReference", document.name)
    key = _key(patient, f"{id_}.{document.extension}")
    content = document.content(_name(persona))
    sandbox.bucket.objects[key] = StoredObject(content, document.mime_type)
    url = sandbox.bucket.link(sandbox.origin, key, sandbox.config.document_link_seconds)
    return {
        "id": id_,
        "fileName": key,
        "description": document.title,
        "status": "current",
        "indexed": f"{document.date}T17:00:00.000Z",
        "mimeType": document.mime_type,
        "size": len(content),
        "type": fhir.concept(document.title, (fhir.LOINC, document.loinc)),
        "url": url,
    }
