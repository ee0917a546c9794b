"""Identity verification (NIST IAL2): which person does a proofed identity belong to?

``ias.identity.verified`` is the only carrier of a ``proofedIdentityId`` and is not documented field by
field. It binds only through our verification id in ``meta.data`` or the vendor session id that we
stored; with neither (a re-send drops ``meta.data``), only if exactly one subject was *ever* linked to
that patient. On any disagreement nothing is bound.

    pending → verified → revoked | superseded
    pending → expired, and expired → verified when matched by id
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from schemas.ids import IdentityId, OpaqueText, PatientId, SubjectId, VerificationId
from schemas.metriport.webhooks import IdentityFields, IdentityVerified
from schemas.reasons import Reason

METADATA_KEY = "iasVerificationId"
"""Our verification id travels to the vendor under this name and comes back in ``meta.data``."""


class VerificationState(StrEnum):
    """Where one identity verification stands."""

    PENDING = "pending"
    VERIFIED = "verified"
    EXPIRED = "expired"
    FAILED = "failed"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


class IdentityState(StrEnum):
    """Where one proofed identity stands."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class Verification:
    """One verification as the rules see it."""

    verification_id: VerificationId
    subject_id: SubjectId
    patient_id: PatientId
    state: VerificationState


@dataclass(frozen=True, kw_only=True, repr=False)
class Claim:
    """What a webhook says. Holds the vendor's secret id, so it has no repr of its fields."""

    proofed_identity_id: str
    patient_id: PatientId
    vendor_session_ids: tuple[str, ...]
    verification_id: VerificationId | None
    verified_at: datetime | None


class Holder(NamedTuple):
    """Who holds a proofed identity already."""

    identity_id: IdentityId
    subject_id: SubjectId
    patient_id: PatientId
    state: IdentityState


@dataclass(frozen=True)
class Bind:
    """Bind the identity to this verification's subject and patient."""

    verification: Verification


@dataclass(frozen=True)
class Unbound:
    """Bind nothing; keep it sealed and tell operators why."""

    reason: Reason


def read_claim(webhook: IdentityVerified) -> Claim | None:
    """What the webhook claims, or ``None`` when it names no usable identity (A01) or no patient (A02).

    Which verification it is for is said by our metadata or by the vendor's session (A03).

    A status other than ``active`` is not usable; an absent one is accepted, because the type of the
    webhook already says verified and no public material promises the field.
    """
    places = _places(webhook)
    proofed = _first_text(places, "proofed_identity_id")
    patient = _first_text(places, "patient_id")
    status = next((place.status for place in places if place.status is not None), "active")
    if proofed is None or patient is None or status != "active":
        return None
    sessions = [_first_text(places, name) for name in ("session_id", "identity_session_id")]
    return Claim(
        proofed_identity_id=proofed,
        patient_id=PatientId(patient),
        vendor_session_ids=tuple(
            dict.fromkeys(text for text in (*sessions, webhook.meta.request_id) if text is not None)
        ),
        verification_id=_our_id(webhook.meta.data),
        verified_at=_time(_first_text(places, "verified_at")),
    )


def choose(
    claim: Claim,
    *,
    by_our_id: Verification | None,
    by_session: Verification | None,
    ever_linked: frozenset[SubjectId],
    newest_of_only_subject: Verification | None,
) -> Bind | Unbound:
    """Which verification the claim belongs to, or why to none."""
    named = [found for found in (by_our_id, by_session) if found is not None]
    if claim.verification_id is not None and by_our_id is None:
        return Unbound(Reason.IDENTITY_CONFLICT)
    if not named:
        newest = newest_of_only_subject
        if len(ever_linked) != 1 or newest is None or newest.state is VerificationState.EXPIRED:
            return Unbound(Reason.IDENTITY_CONFLICT)
        named = [newest]
    if any(found != named[0] or found.patient_id != claim.patient_id for found in named):
        return Unbound(Reason.IDENTITY_CONFLICT)
    return _if_open(named[0])


def conflicts(holder: Holder, verification: Verification) -> bool:
    """Whether the identity was bound to somebody else (A19), or was stopped for that reason before.

    Proving again does not revive an identity that was presented for two: an operator must look.
    """
    pair = (verification.subject_id, verification.patient_id)
    if (holder.subject_id, holder.patient_id) != pair:
        return True
    stopped = holder.state is IdentityState.STOPPED
    return stopped and verification.state is not VerificationState.VERIFIED


def _if_open(verification: Verification) -> Bind | Unbound:
    if verification.state in {VerificationState.PENDING, VerificationState.EXPIRED}:
        return Bind(verification)
    if verification.state in {VerificationState.VERIFIED, VerificationState.SUPERSEDED}:
        return Bind(verification)
    return Unbound(Reason.REVOKED)


def _places(webhook: IdentityVerified) -> list[IdentityFields]:
    """Where fields are looked for, in order: ``payload``, the top level, ``meta.data``."""
    places: list[IdentityFields] = [webhook]
    if webhook.payload is not None:
        places.insert(0, webhook.payload)
    if isinstance(webhook.meta.data, dict):
        places.append(msgspec.convert(webhook.meta.data, IdentityFields))
    return places


def _first_text(places: list[IdentityFields], name: str) -> str | None:
    for place in places:
        try:
            return msgspec.convert(getattr(place, name), OpaqueText)
        except msgspec.ValidationError:
            continue
    return None


def _our_id(data: object) -> VerificationId | None:
    raw = data.get(METADATA_KEY) if isinstance(data, dict) else None
    if not isinstance(raw, str):
        return None
    try:
        return VerificationId(UUID(raw))
    except ValueError:
        return None


def _time(text: str | None) -> datetime | None:
    try:
        time = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return None
    return time if time.tzinfo is not None else None
