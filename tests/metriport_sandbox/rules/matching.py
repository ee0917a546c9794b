"""When Create Patient decides that it knows somebody already.

Vendor code: of the account's patients with equal date of birth and gender, one matches if a
personal identifier is equal, or if the mean Jaro-Winkler similarity over first name, last
name, first address and first contact reaches 0.96. The first match wins. A contact that
only one side has is left out of the mean.
"""

from collections.abc import Iterable, Mapping
from typing import Any

THRESHOLD = 0.96

_PREFIX_LENGTH = 4
_PREFIX_WEIGHT = 0.1


def same_person(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Tell whether two sets of demographics are one person to the vendor."""
    if any(left[key] != right[key] for key in ("dob", "genderAtBirth")):
        return False
    return bool(_identifiers(left) & _identifiers(right)) or similarity(left, right) >= THRESHOLD


def similarity(left: Mapping[str, Any], right: Mapping[str, Any]) -> float:
    """Return the mean similarity of names, first address and first contact."""
    pairs = [(_joined([left[key]]), _joined([right[key]])) for key in ("firstName", "lastName")]
    pairs.append((_first(left, "address"), _first(right, "address")))
    contacts = (_first(left, "contact"), _first(right, "contact"))
    if all(contacts):
        pairs.append(contacts)
    return sum(jaro_winkler(one, other) for one, other in pairs) / len(pairs)


def jaro_winkler(one: str, other: str) -> float:
    """Return the Jaro-Winkler similarity, between 0 and 1."""
    jaro = _jaro(one, other)
    prefix = 0
    for left, right in zip(one[:_PREFIX_LENGTH], other[:_PREFIX_LENGTH], strict=False):
        if left != right:
            break
        prefix += 1
    return jaro + prefix * _PREFIX_WEIGHT * (1 - jaro)


def _jaro(one: str, other: str) -> float:
    if one == other:
        return 1.0
    mine, theirs = _matched(one, other)
    if not mine:
        return 0.0
    count = len(mine)
    swapped = sum(left != right for left, right in zip(mine, theirs, strict=True)) / 2
    return (count / len(one) + count / len(other) + (count - swapped) / count) / 3


def _matched(one: str, other: str) -> tuple[list[str], list[str]]:
    """Return the letters that each has near the same place in the other, in its own order."""
    window = max(len(one), len(other)) // 2 - 1
    free = [True] * len(other)
    found = []
    for index, letter in enumerate(one):
        low, high = max(0, index - window), min(len(other), index + window + 1)
        for place in range(low, high):
            if free[place] and other[place] == letter:
                free[place] = False
                found.append(letter)
                break
    return found, [letter for letter, unused in zip(other, free, strict=True) if not unused]


def _identifiers(person: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (item["type"], item["value"], item.get("state", ""))
        for item in person.get("personalIdentifiers", [])
    }


def _first(person: Mapping[str, Any], key: str) -> str:
    """Join the values of the first address or contact to one text."""
    items = person.get(key) or [{}]
    return _joined(value for value in items[0].values() if isinstance(value, str))


def _joined(values: Iterable[str]) -> str:
    return " ".join(value.strip().lower() for value in values)
