"""Jane Smith's record: two years of treatment for depression, as tables.

A story that holds together: falling asleep gets hard in summer 2024, PHQ-9 is 17 in
September, sertraline is started and raised, therapy begins, and scores fall into the mild
range within a year. Each row names the network part that brings it in: `early` and `hie`
from the exchanges, `pharmacy` fills, `lab` results. Synthetic throughout.
"""

from collections.abc import Iterator

from . import fhir
from .fhir import Resource
from .personas import JANE

Part = tuple[str, Resource]

_SERTRALINE_50 = fhir.concept("Sertraline 50 MG Oral Tablet", (fhir.RXNORM, "312941"))
_SERTRALINE_100 = fhir.concept("Sertraline 100 MG Oral Tablet", (fhir.RXNORM, "312938"))
_HYDROXYZINE = fhir.concept("Hydroxyzine hydrochloride 25 MG Oral Tablet")
_VITAMIN_D = fhir.concept("Cholecalciferol 2000 UNT Oral Tablet")
_CETIRIZINE = fhir.concept("Cetirizine hydrochloride 10 MG Oral Tablet")

_PHQ9 = ("44261-6", "PHQ-9 total score")
_GAD7 = ("70274-6", "GAD-7 total score")
_SCORES = (
    ("phq9-1", _PHQ9, "2024-09-17", 17),
    ("phq9-2", _PHQ9, "2024-10-29", 13),
    ("phq9-3", _PHQ9, "2025-01-14", 9),
    ("phq9-4", _PHQ9, "2025-09-16", 6),
    ("gad7-1", _GAD7, "2024-09-17", 12),
    ("gad7-2", _GAD7, "2025-01-14", 7),
    ("gad7-3", _GAD7, "2025-09-16", 5),
)
_VITALS = (
    ("weight-1", ("29463-7", "Body weight"), "2024-09-17", (68.4, "kg")),
    ("weight-2", ("29463-7", "Body weight"), "2025-09-16", (66.9, "kg")),
    ("height", ("8302-2", "Body height"), "2024-09-17", (167.0, "cm")),
    ("bmi", ("39156-5", "Body mass index"), "2024-09-17", (24.5, "kg/m2")),
    ("pulse", ("8867-4", "Heart rate"), "2024-09-17", (84.0, "/min")),
)
_LABS = (
    ("tsh", ("3016-3", "Thyrotropin"), "2024-09-24", (2.1, "m[IU]/L")),
    ("ft4", ("3024-7", "Thyroxine (T4) free"), "2024-09-24", (1.2, "ng/dL")),
    ("vitd-1", ("1989-3", "25-hydroxyvitamin D3"), "2024-09-24", (16.0, "ng/mL")),
    ("vitd-2", ("1989-3", "25-hydroxyvitamin D3"), "2025-01-14", (34.0, "ng/mL")),
    ("hgb", ("718-7", "Hemoglobin"), "2024-09-24", (13.4, "g/dL")),
    ("wbc", ("6690-2", "Leukocytes"), "2024-09-24", (6.2, "10*3/uL")),
    ("plt", ("777-3", "Platelets"), "2024-09-24", (251.0, "10*3/uL")),
    ("na", ("2951-2", "Sodium"), "2024-09-24", (139.0, "mmol/L")),
    ("glu", ("2345-7", "Glucose"), "2024-09-24", (88.0, "mg/dL")),
    ("crea", ("2160-0", "Creatinine"), "2024-09-24", (0.8, "mg/dL")),
)
_REPORTS = (
    ("cbc", ("58410-2", "CBC panel"), "2024-09-24", ("hgb", "wbc", "plt")),
    ("bmp", ("51990-0", "Basic metabolic panel"), "2024-09-24", ("na", "glu", "crea")),
    ("thyroid", ("55204-3", "Thyroid function panel"), "2024-09-24", ("tsh", "ft4")),
    ("vitamin-d", ("1989-3", "25-hydroxyvitamin D3"), "2025-01-14", ("vitd-2",)),
)
_VISITS = (
    ("visit-1", "2024-09-17", "Low mood and poor sleep", "pcp", "clinic"),
    ("visit-2", "2024-10-01", "Psychiatric evaluation", "psychiatrist", "behavioral"),
    ("visit-3", "2024-10-29", "Medication follow-up", "psychiatrist", "behavioral"),
    ("visit-4", "2025-01-14", "Depression follow-up", "pcp", "clinic"),
    ("visit-5", "2025-09-16", "Annual wellness visit", "pcp", "clinic"),
)
_PRESCRIPTIONS = (
    ("sertraline-50", _SERTRALINE_50, "2024-09-17", "One tablet daily", "completed", "pcp"),
    ("sertraline-100", _SERTRALINE_100, "2024-10-29", "One tablet daily", "active", "psychiatrist"),
    ("hydroxyzine", _HYDROXYZINE, "2024-10-01", "One at night as needed", "active", "psychiatrist"),
    ("vitamin-d", _VITAMIN_D, "2024-09-26", "One tablet daily", "active", "pcp"),
    ("cetirizine", _CETIRIZINE, "2025-03-04", "One tablet daily in spring", "active", "pcp"),
)
_FILLS = (
    ("fill-1", "sertraline-50", _SERTRALINE_50, "2024-09-18", 30),
    ("fill-2", "sertraline-100", _SERTRALINE_100, "2024-10-30", 30),
    ("fill-3", "sertraline-100", _SERTRALINE_100, "2024-12-02", 30),
    ("fill-4", "hydroxyzine", _HYDROXYZINE, "2024-10-02", 15),
    ("fill-5", "vitamin-d", _VITAMIN_D, "2024-09-27", 90),
)
_VACCINES = (
    ("flu-2024", "150", "Influenza, injectable, quadrivalent", "2024-10-01"),
    ("flu-2025", "150", "Influenza, injectable, quadrivalent", "2025-09-16"),
    ("tdap", "115", "Tdap", "2018-08-06"),
    ("hpv", "165", "HPV9", "2013-07-11"),
)


def record() -> Iterator[Part]:
    """Return every resource but the patient, each with the part that brings it in."""
    yield from (("early", item) for item in _people_and_places())
    yield from (("early", item) for item in _problems())
    yield from (("hie", item) for item in _care())
    yield from (("pharmacy", fhir.medication_dispense(*row)) for row in _FILLS)
    yield "pharmacy", fhir.organization("pharmacy", "Arsenal Street Pharmacy", "Pharmacy")
    yield "lab", fhir.organization("lab", "Sonoran Reference Laboratory", "Laboratory")
    for name, code, date, value in _LABS:
        yield "lab", fhir.observation(name, "laboratory", code, date, value)
    yield from (("lab", fhir.report(*row)) for row in _REPORTS)


def _people_and_places() -> Iterator[Resource]:
    yield fhir.organization("clinic", "Desert Bloom Family Medicine", "Primary care")
    yield fhir.organization("behavioral", "Valley Behavioral Health", "Behavioral health")
    yield fhir.practitioner("pcp", "Renata", "Okafor", "MD", "1999999984")
    yield fhir.practitioner("psychiatrist", "Tomás", "Lindqvist", "MD", "1999999976")
    yield fhir.practitioner("therapist", "Maya", "Ruiz", "LCSW", "1999999968")


def _problems() -> Iterator[Resource]:
    yield from (fhir.condition(*row) for row in JANE.conditions)
    yield fhir.allergy("penicillin", "373270004", "Penicillin", "medication", "Hives")
    yield fhir.allergy("cat", "260152009", "Cat dander", "environment", "Sneezing")
    for row in _PRESCRIPTIONS:
        yield fhir.medication_request(*row[:4], status=row[4], doctor=row[5])


def _care() -> Iterator[Resource]:
    yield from (fhir.encounter(*row) for row in _VISITS)
    for name, code, date, score in _SCORES:
        yield fhir.observation(name, "survey", code, date, (float(score), "{score}"))
    for name, code, date, value in _VITALS:
        yield fhir.observation(name, "vital-signs", code, date, value)
    yield fhir.blood_pressure("bp-1", "2024-09-17", 118, 74)
    yield fhir.blood_pressure("bp-2", "2025-09-16", 114, 72)
    yield from (fhir.immunization(*row) for row in _VACCINES)
    yield _therapy()
    yield _plan()


def _therapy() -> Resource:
    return fhir.about_patient(
        "Procedure",
        "psychotherapy",
        status="in-progress",
        code=fhir.concept("Cognitive behavioral therapy", (fhir.SNOMED, "304891004")),
        performedPeriod={"start": "2024-10-08"},
        performer=[{"actor": fhir.ref("Practitioner", "therapist")}],
        reasonReference=[fhir.ref("Condition", "F33.1")],
    )


def _plan() -> Resource:
    return fhir.about_patient(
        "CarePlan",
        "depression",
        status="active",
        intent="plan",
        title="Depression care plan",
        description="Sertraline, weekly therapy, PHQ-9 at every visit, safety plan reviewed.",
        period={"start": "2024-10-01"},
        addresses=[fhir.ref("Condition", "F33.1")],
    )
