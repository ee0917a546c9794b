"""What an answer of Metriport means: a closed set of outcomes, decided by pure functions.

The order of the rules: accepted · known refusals · credential in doubt · slow down · unknown.
Bodies come in many shapes (A17: the app's envelope, the gateway's ``{"message"}``, plain text, HTML, empty,
truncated), so they are parsed defensively; ``name`` and ``detail`` are never matched on, except that a
field's *path* is read out of a validation text.
"""

import email.utils
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

import msgspec

from schemas.metriport.api import ErrorBody
from schemas.reasons import Reason

SLOWEST: Final = timedelta(minutes=5)
POLITE: Final = timedelta(seconds=4)
"""The app's own limiter answers ``Retry-After: 0``; less than this is never waited."""

_FIELD: Final = re.compile(r"on \[([\w,]+)\]")
_SECONDS: Final = re.compile(r"[0-9]+")
_MANY_DIGITS: Final = 6
"""More digits than this are days, whatever they say."""
_TITLES: Final = {
    "PatientOptedOutError": Reason.PATIENT_OPTED_OUT,
    "PatientWithoutTreatmentRelationshipError": Reason.VENDOR_REFUSED,
    "Missing or invalid parameters": Reason.INVALID_FIELD,
}
_TITLE: Final = re.compile(r"[A-Z][A-Za-z]{2,60}Error")
_MAY_MEAN_SESSION: Final = frozenset({400, 409, 412, 422})
"""Beside 401 and 403 (A08)."""
_FOR_GOOD: Final = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
        *range(400, 500),
    }
)
"""4xx, and the redirects that ask for the same request elsewhere: nothing was done here.

No other status says so. 303, and 302 as it is used, lead to the result of a POST that *was* done
(RFC 9110 §15.4.3, §15.4.4); 1xx would switch the protocol.
"""
_DAY_IS_USED_UP: Final = "Limit Exceeded"
"""What the vendor's gateway says with 429 when the daily quota is used up; nothing says until when."""
_NOT_DONE_YET: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.LOCKED})


@dataclass(frozen=True, kw_only=True)
class VendorResponse:
    """One HTTP answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Accepted:
    """A 2xx; what it says is for the operation to read."""

    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Refused:
    """A no for good. ``may_mean_session``: on an ias call it may be the session that is refused."""

    reason: Reason
    status: int
    field: str | None = None
    may_mean_session: bool = False


@dataclass(frozen=True)
class CredentialDoubt:
    """401 or 403: our key, or the person's session? A probe with the same key tells."""

    status: int


@dataclass(frozen=True)
class KeyRefused:
    """Our key is not accepted; the call was not made."""


@dataclass(frozen=True)
class SlowDown:
    """Not done; come back after ``delay``."""

    delay: timedelta


@dataclass(frozen=True)
class NotSent:
    """Provably never sent: no connection came about."""


@dataclass(frozen=True)
class Unknown:
    """Sent, and nobody knows whether it was done."""

    status: int | None = None


Outcome = Accepted | Refused | CredentialDoubt | KeyRefused | SlowDown | NotSent | Unknown


def classify(response: VendorResponse, now: datetime) -> Outcome:
    """The outcome that an answer stands for."""
    status = response.status
    if 200 <= status < 300:  # noqa: PLR2004 - the success class of HTTP
        return Accepted(response.body)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return CredentialDoubt(status)
    if status in _NOT_DONE_YET:
        said = response.headers.get("retry-after")
        if said is None and _error(response.body).message == _DAY_IS_USED_UP:
            return SlowDown(SLOWEST)
        return SlowDown(retry_after(said, now))
    if status in _FOR_GOOD and status != HTTPStatus.REQUEST_TIMEOUT:
        return _refusal(status, _error(response.body))
    return Unknown(status)


def title_of(response: VendorResponse) -> str | None:
    """The kind of error that the vendor names, for the log; ``None`` for any other text."""
    title = _error(response.body).title
    known = isinstance(title, str) and (title in _TITLES or _TITLE.fullmatch(title))
    return str(title) if known else None


def settle_doubt(doubt: CredentialDoubt, probe: Outcome, again: Outcome | None = None) -> Outcome:
    """What a 401 or 403 meant, given the answers to one or two probes with the same key (A16).

    Accepted at once: the key is good, so the call itself was refused (on ias: its session). Refused
    twice: the key is bad. Anything else tells nothing (a key refused and then accepted blames no
    session either), and a refused call may be repeated.
    """
    match probe, again:
        case Accepted(), None:
            return Refused(Reason.VENDOR_REFUSED, doubt.status, may_mean_session=True)
        case CredentialDoubt(), CredentialDoubt():
            return KeyRefused()
        case _:
            return SlowDown(POLITE)


def retry_after(text: str | None, now: datetime) -> timedelta:
    """How long to wait, from ``Retry-After`` in seconds or as a date, within sensible bounds."""
    delay = POLITE
    if text is not None and _SECONDS.fullmatch(text.strip()):
        digits = text.strip().lstrip("0") or "0"
        delay = SLOWEST if len(digits) > _MANY_DIGITS else timedelta(seconds=int(digits))
    elif text:
        delay = _until(text, now)
    return min(max(delay, POLITE), SLOWEST)


def _until(text: str, now: datetime) -> timedelta:
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return POLITE
    return (date if date.tzinfo else date.replace(tzinfo=UTC)) - now


def _refusal(status: int, error: ErrorBody) -> Refused:
    reason = _TITLES.get(error.title) if isinstance(error.title, str) else None
    if reason is not None:
        return Refused(reason, status, _field(error.detail))
    if status == HTTPStatus.NOT_FOUND and isinstance(error.title, str):  # the app's own envelope
        return Refused(Reason.PATIENT_NOT_FOUND, status)
    if isinstance(error.message, str) and error.message.startswith("Cannot create more than"):
        return Refused(Reason.PATIENT_LIMIT_REACHED, status)
    return Refused(Reason.VENDOR_REFUSED, status, may_mean_session=status in _MAY_MEAN_SESSION)


def _field(detail: object) -> str | None:
    found = _FIELD.search(detail) if isinstance(detail, str) else None
    return found.group(1).replace(",", ".") if found else None


def _error(body: bytes) -> ErrorBody:
    try:
        return msgspec.json.decode(body, type=ErrorBody)
    except (ValueError, RecursionError):
        return ErrorBody()
