"""Create Patient's body: what is accepted, what is refused, and how it is stored.

The table of odd cases comes from running the vendor's published schemas: made-up zip codes
are refused, `az` becomes `AZ`, a phone number loses its country code, the 30th of February
passes, and unknown keys are dropped in silence.
"""

import re
from dataclasses import dataclass
from typing import Any

from .checks import Issues, Path
from .query_form import read_sources

_STATES_TEXT = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH"
    " NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI"
)
_STATES = frozenset(_STATES_TEXT.split())
_FAKE_ZIPS = frozenset(
    ["00000", "12345", "54321", "99999", *(str(number) for number in range(10_000, 99_999, 10_000))]
)
_ZIP = re.compile(r"\d{5}")
_PHONE_DIGITS = 10
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]{2,}")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(T.*)?")
_GENDERS = ("M", "F", "O", "U")
_HIE_KEYS = ("carequality", "tefca", "commonwell", "ehex")
_HIE_MISSING = ("commonwell", "ehex")


@dataclass(frozen=True, kw_only=True)
class PatientForm:
    """A valid body of Create Patient."""

    demographics: dict[str, Any]
    external_id: str | None
    additional_ids: dict[str, Any] | None
    opted_out: bool


def read_patient(body: Any, *, today: str) -> PatientForm:
    """Read the body.

    Raises:
        ApiError: 400 with everything that is wrong.
    """
    issues = Issues()
    holder = issues.obj(body) or {}
    demographics = _demographics(holder, issues, today)
    external_id = _optional_string(holder, "externalId", issues)
    additional_ids = _additional_ids(holder, issues)
    opted_out = _opted_out(holder, issues)
    _check_hie(holder, issues)
    if "networkQuery" in holder and (query := issues.obj(holder["networkQuery"])) is not None:
        read_sources(query, issues, ("networkQuery",))
    issues.raise_if_any()
    return PatientForm(
        demographics=demographics,
        external_id=external_id,
        additional_ids=additional_ids,
        opted_out=opted_out,
    )


def _demographics(holder: dict[str, Any], issues: Issues, today: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "firstName": issues.text(holder, "firstName"),
        "lastName": issues.text(holder, "lastName"),
        "dob": _dob(holder, issues, today),
        "genderAtBirth": _gender(holder, issues),
        "address": _each(holder, "address", issues, _address),
    }
    if holder.get("contact") is not None:
        found["contact"] = _each(holder, "contact", issues, _contact)
    if holder.get("personalIdentifiers") is not None:
        found["personalIdentifiers"] = _each(holder, "personalIdentifiers", issues, _identifier)
    return found


def _gender(holder: dict[str, Any], issues: Issues) -> str | None:
    if "genderAtBirth" not in holder:
        issues.add("Required", ("genderAtBirth",))
        return None
    return issues.choice(holder["genderAtBirth"], _GENDERS, ("genderAtBirth",))


def _dob(holder: dict[str, Any], issues: Issues, today: str) -> str | None:
    """Accept what the schema accepts, impossible days and a time part included."""
    text = issues.text(holder, "dob")
    if text is None:
        return None
    found = _DATE.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1 <= int(found[3]) <= 31:
        issues.add("Invalid date", ("dob",))
        return None
    day = text[:10]
    if not "1900-01-01" <= day <= today:
        issues.add("Date can't be in the future or before 1900", ("dob",))
    return day


def _each(holder: dict[str, Any], key: str, issues: Issues, read: Any) -> list[dict[str, Any]]:
    """Read one object, or a non-empty array of them, as a list."""
    value = holder.get(key)
    if value is None:
        issues.add("Required", (key,))
        return []
    if not isinstance(value, list):
        return [read(issues.obj(value, (key,)) or {}, (key,), issues)]
    if not value:
        issues.add("Array must contain at least 1 element(s)", (key,))
    paths: list[Path] = [(key, index) for index in range(len(value))]
    return [
        read(issues.obj(item, path) or {}, path, issues)
        for item, path in zip(value, paths, strict=True)
    ]


def _address(item: dict[str, Any], path: Path, issues: Issues) -> dict[str, Any]:
    found = {"addressLine1": issues.text(item, "addressLine1", path)}
    if line2 := issues.text(item, "addressLine2", path, required=False):
        found["addressLine2"] = line2
    found |= {
        "city": issues.text(item, "city", path),
        "state": _state(item, path, issues),
        "zip": _zip(item, path, issues),
        "country": "USA",
    }
    if item.get("country", "USA") != "USA":
        issues.add('Invalid literal value, expected "USA"', (*path, "country"))
    return found


def _state(item: dict[str, Any], path: Path, issues: Issues) -> str | None:
    text = issues.text(item, "state", path)
    if text is None:
        return None
    if text.upper() not in _STATES:
        issues.add("Invalid state", (*path, "state"))
    return text.upper()


def _zip(item: dict[str, Any], path: Path, issues: Issues) -> str | None:
    value = item.get("zip")
    if isinstance(value, int) and not isinstance(value, bool):
        item = item | {"zip": str(value)}  # a number is accepted, and made a string
    text = issues.text(item, "zip", path)
    if text is not None and (not _ZIP.fullmatch(text) or text in _FAKE_ZIPS):
        issues.add("Invalid zip code", (*path, "zip"))
    return text


def _contact(item: dict[str, Any], path: Path, issues: Issues) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if phone := issues.text(item, "phone", path, required=False):
        found["phone"] = _phone(phone, path, issues)
    if email := issues.text(item, "email", path, required=False):
        found["email"] = email
        if not _EMAIL.fullmatch(email):
            issues.add("Invalid email", (*path, "email"))
    if not found:
        issues.add("Either email or phone must be present", path)
    return found


def _phone(text: str, path: Path, issues: Issues) -> str:
    digits = re.sub(r"\D", "", text)
    if len(digits) == _PHONE_DIGITS + 1 and digits.startswith("1"):
        digits = digits[1:]
    if len(digits) != _PHONE_DIGITS:
        issues.add("Invalid phone", (*path, "phone"))
    return digits


def _identifier(item: dict[str, Any], path: Path, issues: Issues) -> dict[str, Any]:
    kind = issues.choice(item.get("type"), ("ssn", "driversLicense"), (*path, "type"))
    found = {"type": kind, "value": issues.text(item, "value", path)}
    if kind == "driversLicense":
        found["state"] = _state(item, path, issues)
    return found


def _optional_string(holder: dict[str, Any], key: str, issues: Issues) -> str | None:
    return issues.text(holder, key, required=False) if holder.get(key) is not None else None


def _additional_ids(holder: dict[str, Any], issues: Issues) -> dict[str, Any] | None:
    value = holder.get("additionalIds")
    if value is None or (fields := issues.obj(value, ("additionalIds",))) is None:
        return None
    issues.strict(fields, ("healthix",), ("additionalIds",))
    return fields


def _opted_out(holder: dict[str, Any], issues: Issues) -> bool:
    status = holder.get("status")
    fields = issues.obj(status, ("status",)) if status is not None else None
    for value, path in (
        (holder.get("hieOptOut"), ("hieOptOut",)),
        ((fields or {}).get("hieOptOut"), ("status", "hieOptOut")),
    ):
        if value is not None and not isinstance(value, bool):
            issues.expected("boolean", value, path)
        elif value:
            return True
    return False


def _check_hie(holder: dict[str, Any], issues: Issues) -> None:
    value = holder.get("hie")
    if value is None or (fields := issues.obj(value, ("hie",))) is None:
        return
    issues.strict(fields, _HIE_KEYS, ("hie",))
    for key in _HIE_MISSING:
        if key in fields:
            issues.add(f"{key} is not implemented", ("hie", key))
