"""Which step does a returning browser belong to? Tokens and cookies as values, rules as functions.

A link token names one step. The cookie names the steps that were opened in this browser, five at
most. A cookie only says "same browser", never "same person": what comes back is unusable until the
application confirms it under its own login.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from schemas.events import StepKind
from schemas.ids import LinkId, OpenId, PatientId, SubjectId

LINK_PURPOSE: Final = "link"
COOKIE_PURPOSE: Final = "cookie"
MOST_PENDING: Final = 5
"""Also what keeps the cookie under the 4 KiB that browsers hold."""

VERIFIED: Final = "verified"
_HEADER_SAFE: Final = re.compile(r"[\x21-\x7e]{1,255}")
"""The session id travels on in an HTTP header: anybody can type a line break into a URL."""


def hosted_url_purpose(open_id: OpenId) -> str:
    """The purpose under which the vendor's URL of one click is sealed for the ingress."""
    return f"hosted-url/{open_id}"


class Step(msgspec.Struct, frozen=True, array_like=True):
    """One hosted step, as its link names it.

    ``binding`` says whose step it is (one identity, or one subject and patient): several opened
    steps of one binding are the same person trying again.
    """

    link_id: LinkId
    kind: StepKind
    subject_id: SubjectId
    binding: str
    return_url: str
    expires_at: datetime


def binding_of(subject_id: SubjectId, patient_id: PatientId) -> str:
    """Names subject and patient together in few bytes, whatever the length of their ids."""
    pair = f"{len(subject_id)}:{subject_id}{patient_id}".encode()
    return hashlib.sha256(pair).hexdigest()[:32]


class Opened(msgspec.Struct, frozen=True, array_like=True):
    """A step that was opened in this browser."""

    step: Step
    open_id: OpenId
    opened_at: datetime


class Cookie(msgspec.Struct, frozen=True, array_like=True):
    """What the browser remembers, oldest first."""

    opened: tuple[Opened, ...] = ()


class NothingPending(Exception):  # noqa: N818 - a situation of the person, not a fault
    """This browser opened no step of the kind, or it has run out."""


class SeveralPeople(Exception):  # noqa: N818 - as above
    """Steps of different identities are open in this browser: none may be chosen."""


def remember(cookie: Cookie, opened: Opened, now: datetime) -> Cookie:
    """The cookie with one more opened step; expired steps and the same link's older ones go."""
    kept = [
        old
        for old in cookie.opened
        if old.step.expires_at > now and old.step.link_id != opened.step.link_id
    ]
    return Cookie((*kept, opened)[-MOST_PENDING:])


def choose(cookie: Cookie, kind: StepKind, now: datetime) -> Opened:
    """The step that a returning browser belongs to: the newest, if all are of one binding.

    Raises:
        NothingPending: no such step is open here.
        SeveralPeople: steps of different bindings are.
    """
    pending = [
        opened
        for opened in cookie.opened
        if opened.step.kind is kind and opened.step.expires_at > now
    ]
    if not pending:
        raise NothingPending
    if len({opened.step.binding for opened in pending}) > 1:
        raise SeveralPeople
    return max(pending, key=lambda opened: opened.opened_at)


def forget(cookie: Cookie, binding: str, kind: StepKind) -> Cookie:
    """The cookie without the steps of one binding and kind: they are answered, or given up."""
    return Cookie(
        tuple(
            opened
            for opened in cookie.opened
            if (opened.step.binding, opened.step.kind) != (binding, kind)
        )
    )


def forget_kind(cookie: Cookie, kind: StepKind) -> Cookie:
    """The cookie without any step of the kind: all of them start again."""
    return Cookie(tuple(opened for opened in cookie.opened if opened.step.kind is not kind))


def read_aal2_return(query_string: str) -> str | None:
    """The session id of a return that says ``verified``, else ``None`` (A06).

    The vendor appends ``aal2SessionId`` and ``status`` to our bare URL; how it merges an existing
    query is not documented, so a naively appended ``?`` is read as ``&``. Repeated parameters are not
    trusted, nor is an id that no message could hold. ``query_string`` is still percent-encoded.
    """
    pairs = _pairs(query_string)
    session = _only(pairs, "aal2SessionId") or ""
    if not _HEADER_SAFE.fullmatch(session):
        return None
    return session if _only(pairs, "status") == VERIFIED else None


def parameter_names(query_string: str) -> list[str]:
    """The names alone of the parameters with which a browser came back."""
    return [name for name, _ in _pairs(query_string)]


def _pairs(query_string: str) -> list[tuple[str, str]]:
    return parse_qsl(query_string.replace("?", "&"), keep_blank_values=True)


def _only(pairs: Sequence[tuple[str, str]], name: str) -> str | None:
    values = [value for key, value in pairs if key == name]
    return values[0] if len(values) == 1 else None
