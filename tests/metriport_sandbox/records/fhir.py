"""Builders of FHIR R4 resources: a few words in, a resource out."""

import uuid
from typing import Any

Resource = dict[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CVX = "http://hl7.org/fhir/sid/cvx"
UCUM = "http://unitsofmeasure.org"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_NAMESPACE = uuid.UUID("6f1c5a52-6b1e-5f0a-9a35-0d6f2c1b7a10")

PATIENT = "Patient/{patient}"
"""Stands for the patient until the record is put together for one."""


def resource_id(type_: str, name: str) -> str:
    """Return an id that is the same in every run."""
    return str(uuid.uuid5(_NAMESPACE, f"{type_}/{name}"))


def ref(type_: str, name: str) -> Resource:
    """Refer to another resource of the record."""
    return {"reference": f"{type_}/{resource_id(type_, name)}"}


def concept(text: str, *codings: tuple[str, str]) -> Resource:
    """Return a CodeableConcept; codings are (system, code)."""
    found: Resource = {"text": text}
    if codings:
        found["coding"] = [
            {"system": system, "code": code, "display": text} for system, code in codings
        ]
    return found


def status_concept(system: str, code: str) -> Resource:
    """Return one of FHIR's own codes as a CodeableConcept."""
    return {"coding": [{"system": f"{_TERMINOLOGY}/{system}", "code": code}]}


def resource(type_: str, name: str, /, **fields: Any) -> Resource:
    """Return a resource with its stable id."""
    return {"resourceType": type_, "id": resource_id(type_, name), **fields}


def about_patient(type_: str, name: str, /, **fields: Any) -> Resource:
    """Return a resource whose subject is the patient."""
    return resource(type_, name, subject={"reference": PATIENT}, **fields)


def organization(name: str, title: str, kind: str) -> Resource:
    """Return an organization."""
    return resource("Organization", name, active=True, name=title, type=[concept(kind)])


def practitioner(name: str, first: str, last: str, suffix: str, npi: str) -> Resource:
    """Return a practitioner."""
    return resource(
        "Practitioner",
        name,
        active=True,
        identifier=[{"system": "http://hl7.org/fhir/sid/us-npi", "value": npi}],
        name=[{"family": last, "given": [first], "suffix": [suffix]}],
    )


def condition(icd: str, snomed: str, text: str, onset: str) -> Resource:
    """Return an active problem of the problem list."""
    return about_patient(
        "Condition",
        icd,
        clinicalStatus=status_concept("condition-clinical", "active"),
        verificationStatus=status_concept("condition-ver-status", "confirmed"),
        category=[status_concept("condition-category", "problem-list-item")],
        code=concept(text, (ICD10, icd), (SNOMED, snomed)),
        onsetDateTime=onset,
        recordedDate=onset,
    )


def encounter(name: str, date: str, reason: str, doctor: str, place: str) -> Resource:
    """Return a finished ambulatory visit of an hour or less."""
    return about_patient(
        "Encounter",
        name,
        status="finished",
        **{"class": {"system": f"{_TERMINOLOGY}/v3-ActCode", "code": "AMB"}},
        participant=[{"individual": ref("Practitioner", doctor)}],
        period={"start": f"{date}T16:00:00.000Z", "end": f"{date}T16:50:00.000Z"},
        reasonCode=[concept(reason)],
        serviceProvider=ref("Organization", place),
    )


def observation(
    name: str, category: str, code: tuple[str, str], date: str, value: tuple[float, str]
) -> Resource:
    """Return a final measurement; code is (LOINC, words), value is (number, UCUM unit)."""
    number, unit = value
    return about_patient(
        "Observation",
        name,
        status="final",
        category=[status_concept("observation-category", category)],
        code=concept(code[1], (LOINC, code[0])),
        effectiveDateTime=f"{date}T16:10:00.000Z",
        valueQuantity={"value": number, "unit": unit, "system": UCUM, "code": unit},
    )


def blood_pressure(name: str, date: str, systolic: int, diastolic: int) -> Resource:
    """Return a blood pressure with its two components."""
    panel = observation(name, "vital-signs", ("85354-9", "Blood pressure"), date, (0, "mm[Hg]"))
    del panel["valueQuantity"]
    parts = (("8480-6", "Systolic", systolic), ("8462-4", "Diastolic", diastolic))
    components = []
    for code, words, number in parts:
        quantity = {"value": number, "unit": "mm[Hg]", "system": UCUM, "code": "mm[Hg]"}
        components.append(
            {"code": concept(f"{words} blood pressure", (LOINC, code)), "valueQuantity": quantity}
        )
    return panel | {"component": components}


def report(name: str, code: tuple[str, str], date: str, results: tuple[str, ...]) -> Resource:
    """Return a laboratory report over observations."""
    return about_patient(
        "DiagnosticReport",
        name,
        status="final",
        category=[status_concept("v2-0074", "LAB")],
        code=concept(code[1], (LOINC, code[0])),
        effectiveDateTime=f"{date}T15:30:00.000Z",
        issued=f"{date}T22:05:00.000Z",
        performer=[ref("Organization", "lab")],
        result=[ref("Observation", result) for result in results],
    )


def medication_request(
    name: str, drug: Resource, date: str, dosage: str, *, status: str, doctor: str
) -> Resource:
    """Return a prescription."""
    return about_patient(
        "MedicationRequest",
        name,
        status=status,
        intent="order",
        medicationCodeableConcept=drug,
        authoredOn=date,
        requester=ref("Practitioner", doctor),
        dosageInstruction=[{"text": dosage}],
    )


def medication_dispense(name: str, request: str, drug: Resource, date: str, count: int) -> Resource:
    """Return a fill of a prescription."""
    return about_patient(
        "MedicationDispense",
        name,
        status="completed",
        medicationCodeableConcept=drug,
        performer=[{"actor": ref("Organization", "pharmacy")}],
        authorizingPrescription=[ref("MedicationRequest", request)],
        quantity={"value": count, "unit": "tablet"},
        daysSupply={"value": 30, "unit": "d", "system": UCUM, "code": "d"},
        whenHandedOver=f"{date}T19:20:00.000Z",
    )


def immunization(name: str, cvx: str, text: str, date: str) -> Resource:
    """Return a completed vaccination."""
    return resource(
        "Immunization",
        name,
        patient={"reference": PATIENT},
        status="completed",
        vaccineCode=concept(text, (CVX, cvx)),
        occurrenceDateTime=date,
        primarySource=True,
    )


def allergy(name: str, snomed: str, text: str, kind: str, reaction: str) -> Resource:
    """Return an active, confirmed allergy."""
    return resource(
        "AllergyIntolerance",
        name,
        patient={"reference": PATIENT},
        clinicalStatus=status_concept("allergyintolerance-clinical", "active"),
        verificationStatus=status_concept("allergyintolerance-verification", "confirmed"),
        type="allergy",
        category=[kind],
        code=concept(text, (SNOMED, snomed)),
        reaction=[{"manifestation": [concept(reaction)], "severity": "moderate"}],
    )


def document(name: str, code: tuple[str, str], date: str, mime_type: str) -> Resource:
    """Return the entry of a document; its bytes come through the document endpoints."""
    return about_patient(
        "DocumentReference",
        name,
        status="current",
        docStatus="final",
        type=concept(code[1], (LOINC, code[0])),
        date=f"{date}T17:00:00.000Z",
        description=code[1],
        content=[{"attachment": {"contentType": mime_type, "title": name}}],
    )
