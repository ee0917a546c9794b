"""What other services may ask (``ias.commands.v1``, key ``subjectId``).

The type of a command is in the CloudEvents header ``ce_type`` (``ias.command.RegisterPatient``),
its content in the value.
"""

from datetime import date
from typing import Annotated, Final, Literal

import msgspec

from .base import Command, Message, ReturnUrl, UtcTime
from .demographics import Demographics
from .ids import ExternalId, FacilityId, PatientId, RequestId
from .sources import PurposeOfUse, SourceSelection

Sealed = Annotated[bytes, msgspec.Meta(max_length=65536)]
"""Base64 of a text sealed (HPKE) to the deployment's public key; see ``service.crypto.sealing``."""

Resources = Annotated[
    list[Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{1,64}$(?!\n)")]],
    msgspec.Meta(max_length=150),
]
"""FHIR resource types, case-sensitive."""

ConversionType = Literal["json", "pdf", "html"]


class RegisterPatient(Command, frozen=True, kw_only=True):
    """Create the patient at Metriport, or link the one it matches, for one purpose for ever."""

    purpose: PurposeOfUse
    demographics: Demographics | None = None
    demographics_sealed: Sealed | None = None
    external_id: ExternalId | None = None
    facility_id: FacilityId | None = None


class LinkPatient(Command, frozen=True, kw_only=True):
    """Link the subject to a patient that already exists at Metriport."""

    patient_id: PatientId
    purpose: PurposeOfUse


class StartIdentityVerification(Command, frozen=True, kw_only=True):
    """Ask for a link under which the person proves who they are (NIST IAL2)."""

    patient_id: PatientId
    return_url: ReturnUrl
    expires_at: UtcTime | None = None


class AdoptIdentity(Command, frozen=True, kw_only=True):
    """Take over an identity proofed elsewhere. Off by default."""

    patient_id: PatientId
    proofed_identity_id_sealed: Sealed
    verified_at: UtcTime


class StartAal2Challenge(Command, frozen=True, kw_only=True):
    """Ask for a link under which the person answers a multifactor challenge (NIST AAL2)."""

    patient_id: PatientId
    return_url: ReturnUrl


class ConfirmReturn(Command, frozen=True, kw_only=True):
    """The application's *logged-in* user is this subject and came back with this one-time code."""

    code: Annotated[str, msgspec.Meta(min_length=16, max_length=128)]


class CompleteAal2Challenge(Command, frozen=True, kw_only=True):
    """The application's own page got the redirect, under its own login."""

    patient_id: PatientId
    session_id_sealed: Sealed


class ConsentReference(Message, frozen=True, kw_only=True):
    """Where the application keeps the person's consent."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    notice_version: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class StartNetworkQuery(Command, frozen=True, kw_only=True):
    """Start a network query. ``purposeOfUse`` omitted means ``treatment``, as at the vendor."""

    patient_id: PatientId
    sources: SourceSelection
    purpose_of_use: PurposeOfUse = PurposeOfUse.TREATMENT
    consent_reference: ConsentReference | None = None
    priority: Literal["interactive", "background"] = "interactive"
    deadline: UtcTime | None = None


class StartConsolidatedQuery(Command, frozen=True, kw_only=True):
    """Ask for the patient's consolidated FHIR record; it arrives as a link that dies in minutes."""

    patient_id: PatientId
    conversion_type: ConversionType = "json"
    resources: Resources | None = None
    date_from: date | None = None
    date_to: date | None = None


class RenewDataLink(Command, frozen=True, kw_only=True):
    """Ask for a fresh link to what an earlier consolidated query delivered."""

    request_id: RequestId


class RequestRecords(Command, frozen=True, kw_only=True):
    """Run the whole flow to its end with one command; give either ``patientId`` or ``demographics``.

    The request waits for the person and for Metriport until ``deadline``: at most, and when omitted, as
    long as ``QUERY_DEADLINE`` says. ``freshness``: how many seconds ago a source may have ended for its
    result to be good enough; omitted, as ``RECORDS_COOL_DOWN`` says; 0 always starts a new query,
    unless one runs already that the sources of this one have not ended in.
    """

    sources: SourceSelection
    return_url: ReturnUrl
    patient_id: PatientId | None = None
    demographics: Demographics | None = None
    consent_reference: ConsentReference | None = None
    deadline: UtcTime | None = None
    freshness: Annotated[int, msgspec.Meta(ge=0, le=31_536_000)] | None = None
    resources: Resources | None = None
    date_from: date | None = None
    date_to: date | None = None


class CancelRecordRequest(Command, frozen=True, kw_only=True):
    """Stop a record request at whatever step it is.

    What was not sent to Metriport is not sent any more; what it runs already is let finish, and told.
    ``RecordRequestFinished`` ends both this command and the request's; a request that has ended already
    is answered with how it ended.
    """

    request_id: RequestId


class RevokeIdentity(Command, frozen=True, kw_only=True):
    """Stop using the subject's identity for this patient, at once.

    Open verifications and challenges end, sessions die, queries that were not sent are refused, and
    those that Metriport already runs are told no more about; all with reason ``revoked``. Answered
    with ``IdentityRevoked`` also when there was nothing to revoke, because what was asked for is so.
    """

    patient_id: PatientId
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class EraseSubject(Command, frozen=True, kw_only=True):
    """Erase everything about the subject that we can erase.

    ``legalHold`` true puts the subject under a hold and erases nothing, false lifts a hold and erases.
    Left out, the subject is erased unless a hold stands. A hold is answered with
    ``CommandRejected(legal_hold)``. ``SubjectErased`` ends every command of the subject, also those
    that were still open; a later command of the same subject starts afresh.
    """

    legal_hold: bool | None = None


COMMANDS: Final[dict[str, type[Command]]] = {
    f"ias.command.{command.__name__}": command
    for command in (
        RegisterPatient,
        LinkPatient,
        StartIdentityVerification,
        AdoptIdentity,
        StartAal2Challenge,
        ConfirmReturn,
        CompleteAal2Challenge,
        StartNetworkQuery,
        StartConsolidatedQuery,
        RenewDataLink,
        RequestRecords,
        CancelRecordRequest,
        RevokeIdentity,
        EraseSubject,
    )
}
"""Every command by its ``ce_type``."""
