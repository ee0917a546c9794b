"""Exported entries are FHIR R4 AuditEvents: cardinalities and codes as the specification lists them."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from consumers.auditing import fhir
from service.ias.audit import Entry, Kind

ENTRY = Entry(
    UUID("018f5d3c-aaaa-7000-8000-000000000001"),
    datetime(2026, 3, 2, 10, 0, 0, 5, tzinfo=UTC),
    Kind.SESSION_USED,
    b"\xab" * 32,
    UUID("018f5d3c-bbbb-7000-8000-000000000002"),
    b"box",
)

# https://hl7.org/fhir/R4/auditevent.html: the elements we use, and which of them are 1..1 or 1..*
FIELDS = {
    "resourceType", "id", "type", "subtype", "action", "recorded", "outcome", "agent", "source",
    "entity",
}  # fmt: skip
REQUIRED = {"resourceType", "type", "recorded", "agent", "source"}
# https://hl7.org/fhir/R4/valueset-audit-event-type.html, the part from DICOM (CID 400)
EVENT_TYPES = {
    "110100": "Application Activity",
    "110101": "Audit Log Used",
    "110106": "Export",
    "110107": "Import",
    "110108": "Network Entry",
    "110110": "Patient Record",
    "110112": "Query",
    "110113": "Security Alert",
    "110114": "User Authentication",
}
CODING = {"system", "code", "display"}


def _is_coding(value: dict[str, Any]) -> bool:
    return {"system", "code"} <= set(value) <= CODING and all(value.values())


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_a_valid_audit_event(kind: Kind) -> None:
    event = json.loads(fhir.line(ENTRY._replace(kind=kind)))
    assert event["resourceType"] == "AuditEvent"
    assert REQUIRED <= set(event) <= FIELDS
    assert event["type"]["system"] == "http://dicom.nema.org/resources/ontology/DCM"
    assert EVENT_TYPES[event["type"]["code"]] == event["type"]["display"]
    assert [coding["code"] for coding in event["subtype"]] == [kind.value]
    assert all(map(_is_coding, [event["type"], *event["subtype"], *event["source"]["type"]]))
    assert event["action"] in set("CRUDE")
    assert event["outcome"] in {"0", "4", "8", "12"}
    (agent,) = event["agent"]
    assert agent["requestor"] is False, "1..1: the service acts, on behalf of whoever commanded"
    assert event["source"]["observer"] == {"display": "Metriport IAS gateway"}
    assert "\n" not in fhir.line(ENTRY)


def test_the_time_has_its_zone_and_is_exact() -> None:
    assert fhir.audit_event(ENTRY)["recorded"] == "2026-03-02T10:00:00.000005Z"


def test_a_person_is_a_pseudonym_and_a_session_is_our_own_number() -> None:
    person, session = fhir.audit_event(ENTRY)["entity"]
    assert person["what"]["identifier"]["value"] == "ab" * 32
    assert (person["type"]["code"], person["role"]["code"]) == ("1", "1")
    assert session["what"]["identifier"] == {
        "system": "urn:ietf:rfc:3986",
        "value": "urn:uuid:018f5d3c-bbbb-7000-8000-000000000002",
    }
    assert "box" not in fhir.line(ENTRY)


def test_whoever_could_open_the_entry_sees_the_subject_beside_the_pseudonym() -> None:
    identifiers = [
        one["what"]["identifier"]["value"] for one in fhir.audit_event(ENTRY, "subject-1")["entity"]
    ]
    assert identifiers[:2] == ["ab" * 32, "subject-1"]


def test_an_entry_about_the_service_names_no_entity() -> None:
    entry = ENTRY._replace(kind=Kind.KEYS_REENCRYPTED, subject_ref=None, object_id=None)
    assert "entity" not in fhir.audit_event(entry), "0..*, and a list must not be empty"


@pytest.mark.parametrize(
    "kind", [Kind.IDENTITY_STOPPED, Kind.SESSION_REFUSED, Kind.ERASURE_REFUSED]
)
def test_what_was_refused_is_not_a_success(kind: Kind) -> None:
    assert fhir.audit_event(ENTRY._replace(kind=kind))["outcome"] == "4"


def test_a_kind_that_nobody_knows_is_exported_all_the_same() -> None:
    """A tampered row must not hide the rows behind it."""
    event = fhir.audit_event(ENTRY._replace(kind="nothing_happened"))
    assert event["type"]["display"] == "Security Alert"
    assert event["subtype"][0]["code"] == "nothing_happened"
