"""The vendor's bytes: JSON as `JSON.stringify` writes it, JSONB key order, the signature.

Metriport signs `JSON.stringify(body)` with HMAC-SHA256 and sends exactly those bytes (vendor
code and experiments with its libraries). Everything a receiver may trip over lives here.
"""

import hashlib
import hmac
import json
import math
import re
from decimal import Decimal
from typing import Any, Final

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ARRAY_INDEX = re.compile(r"0|[1-9]\d{0,9}")
_MAX_ARRAY_INDEX = 2**32 - 2
_MAX_SAFE_INTEGER = 2**53
_JS_PLAIN_DIGITS = 21  # Number::toString switches to an exponent above this many digits
_JS_LEADING_ZEROS = -6  # ... and below this many zeros after the point


class _Undefined:
    """JavaScript's `undefined`: left out of objects, `null` in arrays."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = _Undefined()


def sign(key: str, body: bytes) -> str:
    """Return the value of `x-metriport-signature`: lower-case hex, no prefix (vendor code)."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def to_bytes(value: Any) -> bytes:
    """Return the UTF-8 bytes that go over the wire."""
    return stringify(value).encode()


def stringify(value: Any) -> str:
    """Write a value exactly as JavaScript's `JSON.stringify` does."""
    match value:
        case None | _Undefined():
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _string(value)
        case int() | float():
            return _number(value)
        case dict():
            return _object(value)
        case list() | tuple():
            return "[" + ",".join(stringify(item) for item in value) + "]"
        case _:
            raise TypeError(f"JSON has no {type(value).__name__}")


def jsonb_order(value: Any) -> Any:
    """Order keys as PostgreSQL's JSONB stores them: by length, then by bytes.

    Stored payloads pass through a JSONB column before a retry (vendor code), so a retried
    webhook need not have the bytes of the first delivery.
    """
    match value:
        case dict():
            keys = sorted(value, key=lambda key: (len(_utf8(key)), _utf8(key)))
            return {key: jsonb_order(value[key]) for key in keys}
        case list():
            return [jsonb_order(item) for item in value]
        case _:
            return value


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _string(text: str) -> str:
    # Two escapes that form a pair are one character to JavaScript, and two to Python.
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    quoted = json.dumps(joined, ensure_ascii=False)
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _object(fields: dict[str, Any]) -> str:
    parts = (
        f"{_string(key)}:{stringify(fields[key])}"
        for key in sorted(fields, key=_property_order)
        if fields[key] is not UNDEFINED
    )
    return "{" + ",".join(parts) + "}"


def _property_order(key: str) -> tuple[int, int]:
    """Integer-like keys come first, ascending; all others keep their order (a stable sort)."""
    if _ARRAY_INDEX.fullmatch(key) and int(key) <= _MAX_ARRAY_INDEX:
        return 0, int(key)
    return 1, 0


def _number(value: float) -> str:
    if isinstance(value, int) and abs(value) <= _MAX_SAFE_INTEGER:
        return str(value)
    number = float(value)
    if not math.isfinite(number):
        return "null"
    if number == 0:
        return "0"
    sign_, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    return ("-" if sign_ else "") + _js_digits(text, len(text) + exponent)


def _js_digits(digits: str, point: int) -> str:
    """Place the decimal point as ECMAScript's Number::toString does."""
    if len(digits) <= point <= _JS_PLAIN_DIGITS:
        return digits.ljust(point, "0")
    if 0 < point <= _JS_PLAIN_DIGITS:
        return f"{digits[:point]}.{digits[point:]}"
    if _JS_LEADING_ZEROS < point <= 0:
        return "0." + "0" * -point + digits
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"
