"""What must be known of a webhook before it can be published: type, ids, key, and whether to seal it.

Each family keeps the patient's id elsewhere (Metriport docs, Webhooks): in ``payload``, in
``patients[]``, or at the top level. Only those fields are decoded; the rest of the body is skipped.
"""

import re
from typing import Any, Final, NamedTuple

import msgspec

from schemas.ids import MessageId
from schemas.metriport.webhooks import KNOWN_TYPES, HasMeta, Meta
from schemas.problems import InvalidMessageError, decode_part

_HARMLESS: Final = KNOWN_TYPES - {"ias.identity.verified"}
_SECRET_WORDS: Final = (b"proofed", b"aal2", b"identitysession", b"identity_session", b"pid_")
_ESCAPED_ASCII: Final = re.compile(rb"\\u00[2-7][0-9a-f]")
"""``JSON.stringify`` never escapes printable ASCII: an escaped letter is somebody hiding a word."""

_LONGEST_ID: Final = 255


_NULL: Final = msgspec.Raw(b"null")


class _Patient(msgspec.Struct, rename="camel"):
    patient_id: Any = None


class _Shape(HasMeta, frozen=True, kw_only=True):
    """Every place that is looked at; the raw parts are slices of the body and not decoded yet."""

    payload: msgspec.Raw = _NULL
    patients: msgspec.Raw = _NULL
    patient_id: msgspec.Raw = _NULL
    ping: msgspec.Raw = _NULL


class Peeked(NamedTuple):
    """What the ingress knows of an authentic webhook."""

    meta: Meta
    patient_id: str | None
    ping: str | None
    seal: bool

    @property
    def key(self) -> str:
        """The partition key: patient, else request, else message."""
        return self.patient_id or self.meta.request_id or MessageId(self.meta.message_id)

    @property
    def known_type(self) -> str:
        """The type as a metric label: unknown ones are counted together."""
        return self.meta.type if self.meta.type in KNOWN_TYPES else "other"


def peek(body: bytes) -> Peeked:
    """Look into an authentic body.

    Raises:
        InvalidMessageError: not UTF-8, not JSON, or without a readable ``meta``.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        raise InvalidMessageError("the body is not UTF-8") from None
    shape = decode_part(body, _Shape)
    seal = shape.meta.type not in _HARMLESS or _names_secret(body)
    ping = _text(shape.ping) if shape.meta.type == "ping" else None
    return Peeked(shape.meta, _patient_id(shape), ping, seal)


def _names_secret(body: bytes) -> bool:
    """Whether the bytes name an identity or a session, in any case, escaped or not.

    Plain searches, because a regular expression with alternatives holds the interpreter for a second
    on the largest bodies.
    """
    lowered = body.lower()
    for word in _SECRET_WORDS:
        if word in lowered:
            return True
    return rb"\u00" in lowered and _ESCAPED_ASCII.search(lowered) is not None


def _patient_id(shape: _Shape) -> str | None:
    """The patient, wherever this family of webhooks keeps it."""
    for look in (_in_payload, _in_patients, _at_top):
        found = look(shape)
        if isinstance(found, str) and 0 < len(found) <= _LONGEST_ID:
            return found
    return None


def _in_payload(shape: _Shape) -> Any:  # noqa: ANN401 - a field of any type, looked at by the caller
    try:
        return decode_part(bytes(shape.payload), _Patient).patient_id
    except InvalidMessageError:
        return None


def _in_patients(shape: _Shape) -> Any:  # noqa: ANN401 - as above
    try:
        patients = decode_part(bytes(shape.patients), list[_Patient])
    except InvalidMessageError:
        return None
    return patients[0].patient_id if patients else None


def _at_top(shape: _Shape) -> str | None:
    return _text(shape.patient_id)


def _text(raw: msgspec.Raw) -> str | None:
    try:
        return decode_part(bytes(raw), str)
    except InvalidMessageError:
        return None
