"""Audit entries as FHIR R4 ``AuditEvent``, one JSON object an entry.

``type`` is one of DICOM's codes that FHIR's value set ``audit-event-type`` has (a security alert may
tell of a success: DICOM PS3.15 A.5.3.11); ``subtype`` is our kind. A person appears as a pseudonym, and as the application's subject id only where
the caller could open the entry. Nothing here is health data: an entry says that an identity or session
was used, never what was found.
"""

import json
from datetime import UTC
from typing import Any, Final, NamedTuple

from service.ias.audit import Entry, Kind

KINDS: Final = "urn:metriport-ias:audit-kind"
PSEUDONYMS: Final = "urn:metriport-ias:subject-pseudonym"
SUBJECTS: Final = "urn:metriport-ias:subject-id"
_ENTITY_TYPES: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_OBJECT_ROLES: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_SOURCE_TYPES: Final = "http://terminology.hl7.org/CodeSystem/security-source-type"
_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"


class Meaning(NamedTuple):
    """How a kind is said in FHIR: type (DICOM), action, outcome, and which process did it."""

    type: str
    action: str
    actor: str = "consumers"
    outcome: str = "0"


_TYPES: Final = {
    "110106": "Export",
    "110110": "Patient Record",
    "110113": "Security Alert",
    "110114": "User Authentication",
}
_EXPORT, _RECORD, _SECURITY, _LOGIN = _TYPES
_MINOR: Final = "4"

MEANINGS: Final[dict[Kind, Meaning]] = {
    Kind.IDENTITY_BOUND: Meaning(_SECURITY, "C"),
    Kind.IDENTITY_SUPERSEDED: Meaning(_SECURITY, "U"),
    Kind.IDENTITY_STOPPED: Meaning(_SECURITY, "U", outcome=_MINOR),
    Kind.IDENTITY_REVOKED: Meaning(_SECURITY, "U"),
    Kind.IDENTITY_USED: Meaning(_LOGIN, "E", "gateway"),
    Kind.SESSION_RECEIVED: Meaning(_LOGIN, "C"),
    Kind.SESSION_CONFIRMED: Meaning(_LOGIN, "U"),
    Kind.SESSION_USED: Meaning(_LOGIN, "E", "gateway"),
    Kind.SESSION_PROVEN: Meaning(_LOGIN, "U", "gateway"),
    Kind.SESSION_REFUSED: Meaning(_LOGIN, "U", "gateway", _MINOR),
    Kind.SESSION_EXPIRED: Meaning(_LOGIN, "U"),
    Kind.DATA_LINK_ISSUED: Meaning(_EXPORT, "R"),
    Kind.SUBJECT_ERASED: Meaning(_RECORD, "D"),
    Kind.LEGAL_HOLD_PLACED: Meaning(_RECORD, "U"),
    Kind.LEGAL_HOLD_LIFTED: Meaning(_RECORD, "U"),
    Kind.ERASURE_REFUSED: Meaning(_RECORD, "D", outcome=_MINOR),
    Kind.DATA_KEY_CREATED: Meaning(_SECURITY, "C"),
    Kind.DATA_KEY_DESTROYED: Meaning(_SECURITY, "D"),
    Kind.KEYS_REENCRYPTED: Meaning(_SECURITY, "U"),
}
_UNKNOWN: Final = Meaning(_SECURITY, "E", outcome=_MINOR)


def line(entry: Entry, subject_id: str | None = None) -> str:
    """One entry as a line of JSON."""
    return json.dumps(audit_event(entry, subject_id), separators=(",", ":"))


def audit_event(entry: Entry, subject_id: str | None = None) -> dict[str, Any]:
    """One entry; ``subject_id`` where the caller may know it."""
    known = entry.kind in set(Kind)
    meaning = MEANINGS[Kind(entry.kind)] if known else _UNKNOWN
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(entry.entry_id),
        "type": _coding(_DCM, meaning.type, _TYPES[meaning.type]),
        "subtype": [_coding(KINDS, entry.kind)],
        "action": meaning.action,
        "recorded": entry.recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "outcome": meaning.outcome,
        "agent": [_agent(meaning.actor)],
        "source": {
            "observer": {"display": "Metriport IAS gateway"},
            "type": [_coding(_SOURCE_TYPES, "4", "Application Server")],
        },
    }
    entities = [*_person(entry, subject_id), *_object(entry)]
    return event | ({"entity": entities} if entities else {})


def _agent(actor: str) -> dict[str, Any]:
    name = f"metriport-ias {actor}"
    return {
        "type": {"coding": [_coding(_DCM, "110150", "Application")]},
        "who": {"display": name},
        "name": name,
        "requestor": False,
    }


def _person(entry: Entry, subject_id: str | None) -> list[dict[str, Any]]:
    if entry.subject_ref is None:
        return []
    identifiers = [(PSEUDONYMS, entry.subject_ref.hex())]
    if subject_id is not None:
        identifiers.append((SUBJECTS, subject_id))
    return [
        {
            "what": {"identifier": {"system": system, "value": value}},
            "type": _coding(_ENTITY_TYPES, "1", "Person"),
            "role": _coding(_OBJECT_ROLES, "1", "Patient"),
        }
        for system, value in identifiers
    ]


def _object(entry: Entry) -> list[dict[str, Any]]:
    """The identity, session or link, by our own random id."""
    if entry.object_id is None:
        return []
    identifier = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{entry.object_id}"}
    return [
        {
            "what": {"identifier": identifier},
            "type": _coding(_ENTITY_TYPES, "4", "Other"),
            "role": _coding(_OBJECT_ROLES, "13", "Security Resource"),
        }
    ]


def _coding(system: str, code: str, display: str | None = None) -> dict[str, str]:
    coding = {"system": system, "code": code}
    return coding if display is None else coding | {"display": display}
