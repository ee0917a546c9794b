"""The parameters of the two queries: network and consolidated.

Strictness differs by place (published vendor package): the `sources` object refuses what it
does not know, the body around it drops it in silence, a misspelt `proofedIdentityId` too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tests.metriport_sandbox.config import SOURCES
from tests.metriport_sandbox.errors import bad_request

from .checks import Issues, Path

PURPOSES = ("treatment", "ias")
CONVERSIONS = ("json", "pdf", "html")
_OPTIONS = {"hie": ("enabled",), "pharmacy": ("enabled", "realtime"), "lab": ("enabled",)}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_RESOURCES_TEXT = (
    "AllergyIntolerance Appointment CarePlan CareTeam Communication Composition Condition"
    " Consent Coverage Device DiagnosticReport DocumentReference Encounter FamilyMemberHistory"
    " Goal Immunization Location Media Medication MedicationAdministration MedicationDispense"
    " MedicationRequest MedicationStatement Observation Organization Patient Person"
    " Practitioner Procedure RelatedPerson RiskAssessment ServiceRequest Specimen"
)
_RESOURCES = frozenset(_RESOURCES_TEXT.split())


@dataclass(frozen=True, kw_only=True)
class NetworkForm:
    """A valid call of Start Network Query."""

    purpose: str
    sources: tuple[str, ...]
    identity_id: str | None
    metadata: dict[str, str] | None


def read_network_query(query: Mapping[str, str], body: Any) -> NetworkForm:
    """Read query string and body.

    `purposeOfUse` is `treatment` unless given (Metriport docs): forgetting it turns a
    person's own request into a treatment query.

    Raises:
        ApiError: 400 with everything that is wrong.
    """
    issues = Issues()
    purpose = issues.choice(query.get("purposeOfUse", "treatment"), PURPOSES, ("purposeOfUse",))
    holder = issues.obj(body) or {}
    sources = read_sources(holder, issues)
    identity_id = issues.text(holder, "proofedIdentityId", required=purpose == "ias")
    metadata = issues.metadata(holder, counted=False)
    issues.raise_if_any()
    return NetworkForm(
        purpose=cast("str", purpose), sources=sources, identity_id=identity_id, metadata=metadata
    )


def read_sources(holder: dict[str, Any], issues: Issues, path: Path = ()) -> tuple[str, ...]:
    """Read `sources`: the recommended object, or the legacy array."""
    value, path = holder.get("sources"), (*path, "sources")
    if value is None:
        issues.add("Required", path)
        return ()
    if isinstance(value, list):
        return _legacy_sources(value, issues, path)
    fields = issues.obj(value, path) or {}
    issues.strict(fields, SOURCES, path)
    enabled = tuple(
        name
        for name in SOURCES
        if name in fields and _enabled(fields[name], name, issues, (*path, name))
    )
    if not enabled:
        issues.add("At least one source must be enabled", path)
    return enabled


def _enabled(value: Any, name: str, issues: Issues, path: Path) -> bool:
    options = issues.obj(value, path)
    if options is None:
        return False
    issues.strict(options, _OPTIONS[name], path)
    for key in _OPTIONS[name]:
        if key not in options and key == "enabled":
            issues.add("Required", (*path, key))
        elif key in options and not isinstance(options[key], bool):
            issues.expected("boolean", options[key], (*path, key))
    return options.get("enabled") is True


def _legacy_sources(values: list[Any], issues: Issues, path: Path) -> tuple[str, ...]:
    if not values:
        issues.add("Array must contain at least 1 element(s)", path)
    for index, value in enumerate(values):
        issues.choice(value, SOURCES, (*path, index))
    return tuple(name for name in SOURCES if name in values)


def read_consolidated_query(query: Mapping[str, str]) -> dict[str, Any]:
    """Read the parameters, in the form and order in which the API shows them again.

    Raises:
        ApiError: 400.
    """
    if "conversionType" not in query:
        raise bad_request("Missing conversionType query param")
    issues = Issues()
    conversion = issues.choice(query["conversionType"], CONVERSIONS, ("conversionType",))
    found: dict[str, Any] = {"resources": _resources(query, issues)}
    for key in ("dateFrom", "dateTo"):
        if date := query.get(key):
            found[key] = date
            if not _DATE.fullmatch(date):
                issues.add("Invalid date", (key,))
    issues.raise_if_any()
    return found | {"conversionType": conversion}


def _resources(query: Mapping[str, str], issues: Issues) -> list[str]:
    """Names are case-sensitive (vendor code)."""
    names = [name.strip() for name in query.get("resources", "").split(",") if name.strip()]
    for name in names:
        if name not in _RESOURCES:
            issues.add(f"Invalid resource: {name}", ("resources",))
    return names
