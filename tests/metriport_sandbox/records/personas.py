"""The sandbox's personas: chosen by first name alone, in lower case (Metriport docs, code)."""

from dataclasses import dataclass

Condition = tuple[str, str, str, str]
"""ICD-10-CM code, SNOMED CT code, words, date of onset."""


@dataclass(frozen=True, kw_only=True)
class Persona:
    """Somebody with a record."""

    first_name: str
    last_name: str
    dob: str
    gender: str
    address: tuple[str, str, str, str]
    """Line, city, state, zip."""
    conditions: tuple[Condition, ...]


_CKD = ("N18.30", "433144002", "Chronic kidney disease stage 3", "2019-04-12")
_DIABETES = ("E11.9", "44054006", "Type 2 diabetes mellitus", "2011-09-02")
_HYPERTENSION = ("I10", "38341003", "Essential hypertension", "2004-06-15")
_ANXIETY = ("F41.1", "21897009", "Generalized anxiety disorder", "2016-02-08")

JANE = Persona(
    first_name="Jane",
    last_name="Smith",
    dob="1996-02-10",
    gender="female",
    address=("123 Arsenal St", "Phoenix", "AZ", "85300"),
    conditions=(
        ("F33.1", "18818009", "Moderate recurrent major depression", "2024-09-17"),
        ("F41.1", "21897009", "Generalized anxiety disorder", "2024-09-17"),
        ("G47.00", "193462001", "Insomnia", "2024-08-01"),
        ("E55.9", "34713006", "Vitamin D deficiency", "2024-09-24"),
        ("J30.2", "367498001", "Seasonal allergic rhinitis", "2012-03-20"),
    ),
)

_OTHERS = (
    Persona(
        first_name="Chris",
        last_name="Smith",
        dob="1995-01-01",
        gender="male",
        address=("123 Atlantis Rd", "Chicago", "IL", "60601"),
        conditions=(_CKD,),
    ),
    Persona(
        first_name="Ollie",
        last_name="Brown",
        dob="1946-03-18",
        gender="male",
        address=("201 Armada St", "Harrisburg", "PA", "15300"),
        conditions=(_ANXIETY,),
    ),
    Persona(
        first_name="Andreas",
        last_name="Brown",
        dob="1952-01-01",
        gender="male",
        address=("4430 York St", "Jefferson City", "MO", "64000"),
        conditions=(_DIABETES, _CKD),
    ),
    Persona(
        first_name="Kyla",
        last_name="Fields",
        dob="1927-05-23",
        gender="female",
        address=("332 16th St", "Portland", "ME", "04000"),
        conditions=(_HYPERTENSION, _DIABETES),
    ),
)

PERSONAS = {persona.first_name.lower(): persona for persona in (JANE, *_OTHERS)}


def persona_of(first_name: str) -> Persona | None:
    """Return the persona that a patient's first name chooses, if any."""
    return PERSONAS.get(first_name.strip().lower())
