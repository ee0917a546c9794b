"""An example of each command."""

from datetime import date
from typing import Final

from .. import commands as c  # noqa: TID252 - `schemas` is published alone: its imports stay relative
from ..base import Command  # noqa: TID252 - as above
from ..demographics import Address, Contact, Demographics  # noqa: TID252 - as above
from ..ids import ExternalId  # noqa: TID252 - as above
from ..sources import PurposeOfUse, SourceSelection  # noqa: TID252 - as above
from .story import PATIENT, RETURN_URL, SEALED, SUBJECT, at, command_id, request_id

CONSENT: Final = c.ConsentReference(id="consent-5521", notice_version="2026-01")

PERSON: Final = Demographics(
    first_name="Ada",
    last_name="Example",
    dob=date(1980, 2, 29),
    gender_at_birth="F",
    address=[Address(address_line1="1 Sample Street", city="Springfield", state="CA", zip="90210")],
    contact=[Contact(phone="4155550100", email="ada@example.com")],
)

COMMAND_EXAMPLES: Final[tuple[Command, ...]] = (
    c.RegisterPatient(
        command_id=command_id(1),
        subject_id=SUBJECT,
        metadata={"traceOfYours": "anything"},
        purpose=PurposeOfUse.IAS,
        demographics=PERSON,
        external_id=ExternalId("chart-77"),
    ),
    c.LinkPatient(
        command_id=command_id(2),
        subject_id=SUBJECT,
        patient_id=PATIENT,
        purpose=PurposeOfUse.IAS,
    ),
    c.StartIdentityVerification(
        command_id=command_id(3),
        subject_id=SUBJECT,
        patient_id=PATIENT,
        return_url=RETURN_URL,
        expires_at=at(18, 0),
    ),
    c.AdoptIdentity(
        command_id=command_id(4),
        subject_id=SUBJECT,
        patient_id=PATIENT,
        proofed_identity_id_sealed=SEALED,
        verified_at=at(8, 30),
    ),
    c.StartAal2Challenge(
        command_id=command_id(5), subject_id=SUBJECT, patient_id=PATIENT, return_url=RETURN_URL
    ),
    c.ConfirmReturn(
        command_id=command_id(6), subject_id=SUBJECT, code="one-time-code-from-the-url"
    ),
    c.CompleteAal2Challenge(
        command_id=command_id(7),
        subject_id=SUBJECT,
        patient_id=PATIENT,
        session_id_sealed=SEALED,
    ),
    c.StartNetworkQuery(
        command_id=command_id(8),
        subject_id=SUBJECT,
        patient_id=PATIENT,
        sources=SourceSelection(hie=True, pharmacy=True),
        purpose_of_use=PurposeOfUse.IAS,
        consent_reference=CONSENT,
        deadline=at(12, 0),
    ),
    c.StartConsolidatedQuery(
        command_id=command_id(9),
        subject_id=SUBJECT,
        patient_id=PATIENT,
        resources=["Condition", "MedicationRequest"],
        date_from=date(2020, 1, 1),
    ),
    c.RenewDataLink(command_id=command_id(10), subject_id=SUBJECT, request_id=request_id(2)),
    c.RequestRecords(
        command_id=command_id(11),
        subject_id=SUBJECT,
        sources=SourceSelection(hie=True),
        return_url=RETURN_URL,
        patient_id=PATIENT,
        consent_reference=CONSENT,
        deadline=at(18, 0),
        freshness=86_400,
    ),
    c.CancelRecordRequest(command_id=command_id(12), subject_id=SUBJECT, request_id=request_id(3)),
    c.RevokeIdentity(
        command_id=command_id(13),
        subject_id=SUBJECT,
        patient_id=PATIENT,
        reason="The person withdrew consent.",
    ),
    c.EraseSubject(command_id=command_id(14), subject_id=SUBJECT),
)
"""One of each."""
