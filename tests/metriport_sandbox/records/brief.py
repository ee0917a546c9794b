"""The short record of every other persona: problems, one doctor, one visit."""

from collections.abc import Iterator

from . import fhir
from .jane import Part
from .personas import Persona


def record(persona: Persona) -> Iterator[Part]:
    """Return every resource but the patient, each with the part that brings it in."""
    _, city, _, _ = persona.address
    yield "early", fhir.organization("clinic", f"{city} Medical Group", "Primary care")
    yield "early", fhir.practitioner("pcp", "Alex", "Navarro", "MD", "1999999950")
    yield from (("early", fhir.condition(*row)) for row in persona.conditions)
    yield "hie", fhir.encounter("visit-1", "2025-06-10", "Follow-up", "pcp", "clinic")
    yield "hie", fhir.blood_pressure("bp-1", "2025-06-10", 132, 80)
