"""The fields of each webhook, as pure functions; the sender adds `meta`.

Newer families keep their fields under `payload`, document events in `patients` (Metriport
docs, published vendor package). The place of `purposeOfUse` and the whole shape of
`ias.identity.verified` are reconstructions: no public sample exists.
"""

from .config import BundleType, IdentityShape
from .state import Identity, IdentitySession, Json, Patient, SourceRow
from .times import iso

IDENTITY_VERIFIED = "ias.identity.verified"
CONSOLIDATED_DATA = "medical.consolidated-data"
BULK_DOCUMENT_URLS = "medical.document-bulk-download-urls"

_VENDOR_OF = {"pharmacy": "surescripts", "lab": "quest"}


def identity_verified(
    session: IdentitySession,
    identity: Identity,
    patient: Patient,
    *,
    at: float,
    shape: IdentityShape,
) -> Json:
    """Say that a person completed identity proofing."""
    fields: Json = {"patientId": patient.id}
    if patient.external_id is not None:
        fields["externalId"] = patient.external_id
    fields |= {
        "sessionId": session.id,
        "proofedIdentityId": identity.id,
        "status": identity.status,
        "verifiedAt": iso(at),
    }
    return {"payload": fields} if shape == "payload" else fields


def source_finished(row: SourceRow, patient: Patient, *, purpose: str, url: str) -> Json:
    """Say that a source of a network query completed or failed."""
    source: Json = {"type": row.type}
    if row.type in _VENDOR_OF:
        source["source"] = _VENDOR_OF[row.type]
    source |= {"status": row.status, "completedAt": iso(row.completed or row.started)}
    return _network_payload(patient, source, purpose=purpose, url=url)


def first_data_ready(patient: Patient, *, at: float, purpose: str, url: str) -> Json:
    """Say that early, partial HIE data can be fetched."""
    source = {"type": "hie", "status": "processing", "firstDataReadyAt": iso(at)}
    return _network_payload(patient, source, purpose=purpose, url=url)


def _network_payload(patient: Patient, source: Json, *, purpose: str, url: str) -> Json:
    payload: Json = {"patientId": patient.id}
    if patient.external_id is not None:
        payload["externalId"] = patient.external_id
    payload |= {"consolidatedDataUrl": url, "source": source}
    if purpose == "ias":
        payload["purposeOfUse"] = "ias"  # docs: "when applicable"
    return {"payload": payload}


def consolidated_data(
    patient: Patient,
    *,
    parameters: Json,
    attachments: list[tuple[str, str]] | None,
    bundle_type: BundleType,
) -> Json:
    """Deliver a consolidated query: links, an empty bundle, or (None) no bundle: it failed."""
    filters = parameters | {"resources": ", ".join(parameters["resources"])}
    row: Json = {"patientId": patient.id, **patient.references()}
    row |= {
        "status": "failed" if attachments is None else "completed",
        "filters": filters,
    }
    if attachments is not None:
        row["bundle"] = _wrapper(patient, attachments, bundle_type)
    return {"patients": [row]}


def _wrapper(patient: Patient, attachments: list[tuple[str, str]], type_: BundleType) -> Json:
    content = [{"attachment": {"contentType": kind, "url": url}} for kind, url in attachments]
    reference: Json = {
        "resourceType": "DocumentReference",
        "subject": {"reference": f"Patient/{patient.id}"},
        "content": content,
    }
    entry = [{"resource": reference}] if attachments else []
    return {"resourceType": "Bundle", "type": type_, "total": len(entry), "entry": entry}


def bulk_document_urls(patient: Patient, *, documents: list[Json] | None) -> Json:
    """Deliver all document links in one message, or none: it failed (vendor code)."""
    row: Json = {"patientId": patient.id, **patient.references()}
    row |= {
        "documents": documents or [],
        "status": "failed" if documents is None else "completed",
    }
    return {"patients": [row]}
