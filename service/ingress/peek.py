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
_NAMES_SECRET: Final = re.compile(
    rb"proofed_?identity|aal2|identity_?session|pid_|\\u00[2-7][0-9a-f]", re.IGNORECASE
)
"""Bytes that name an identity or a session. ``JSON.stringify`` never escapes printable ASCII, so an
escaped letter is somebody hiding one."""

_LONE_SURROGATES: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair, and so fine
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\.",  # any other escape, so that the second half of an escaped backslash starts nothing
    re.DOTALL,
)


class _Patient(msgspec.Struct, rename="camel"):
    patient_id: Any = None


class _Payload(HasMeta, frozen=True, kw_only=True):
    payload: _Patient


class _Patients(HasMeta, frozen=True, kw_only=True):
    patients: list[_Patient]


class _TopLevel(HasMeta, frozen=True, kw_only=True):
    patient_id: Any = None


class _Ping(HasMeta, frozen=True, kw_only=True):
    ping: str


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
    seal = _NAMES_SECRET.search(body) is not None
    readable = _without_lone_surrogates(body)
    meta = decode_part(readable, HasMeta).meta
    ping = _ping(readable) if meta.type == "ping" else None
    return Peeked(meta, _patient_id(readable), ping, seal or meta.type not in _HARMLESS)


def _without_lone_surrogates(body: bytes) -> bytes:
    """``JSON.stringify`` writes half of a cut emoji as an escape, and msgspec reads no such text.

    Only for looking: what is published is the body as received.
    """
    if rb"\ud" not in body and rb"\uD" not in body:
        return body
    return _LONE_SURROGATES.sub(
        lambda found: rb"\ufffd" if found["lone"] else found[0],
        body,
    )


def _patient_id(body: bytes) -> str | None:
    for found in (_in_payload(body), _in_patients(body), _at_top(body)):
        if isinstance(found, str) and 0 < len(found) <= 255:  # noqa: PLR2004 - as in schemas.ids
            return found
    return None


def _in_payload(body: bytes) -> Any:  # noqa: ANN401 - a field of any type, looked at by the caller
    try:
        return decode_part(body, _Payload).payload.patient_id
    except InvalidMessageError:
        return None


def _in_patients(body: bytes) -> Any:  # noqa: ANN401 - as above
    try:
        patients = decode_part(body, _Patients).patients
    except InvalidMessageError:
        return None
    return patients[0].patient_id if patients else None


def _at_top(body: bytes) -> Any:  # noqa: ANN401 - as above
    try:
        return decode_part(body, _TopLevel).patient_id
    except InvalidMessageError:
        return None


def _ping(body: bytes) -> str | None:
    try:
        return decode_part(body, _Ping).ping
    except InvalidMessageError:
        return None
