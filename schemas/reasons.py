"""The closed list of reasons why something was refused or failed, each with what to do about it."""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why. Every refusal and every failure carries one; ``REMEDIES`` says what helps."""

    NO_ACTIVE_IDENTITY = "no_active_identity"
    SESSION_REQUIRED = "session_required"
    SESSION_REFUSED = "session_refused"
    SESSION_REFUSED_TWICE = "session_refused_twice"
    PURPOSE_NOT_ALLOWED = "purpose_not_allowed"
    TREATMENT_DISABLED = "treatment_disabled"
    NO_ACCEPTED_QUERY = "no_accepted_query"
    PATIENT_NOT_LINKED = "patient_not_linked"
    PATIENT_NOT_FOUND = "patient_not_found"
    PATIENT_OPTED_OUT = "patient_opted_out"
    PATIENT_LIMIT_REACHED = "patient_limit_reached"
    INVALID_FIELD = "invalid_field"
    RETURN_URL_NOT_ALLOWED = "return_url_not_allowed"
    QUERY_ALREADY_OPEN = "query_already_open"
    SOURCE_NOT_ENABLED = "source_not_enabled"
    SOURCE_FAILED = "source_failed"
    VENDOR_REFUSED = "vendor_refused"
    VENDOR_UNCLEAR = "vendor_unclear"
    IDENTITY_CONFLICT = "identity_conflict"
    TOO_MANY_OPENINGS = "too_many_openings"
    DEADLINE_PASSED = "deadline_passed"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    ERASED = "erased"
    LEGAL_HOLD = "legal_hold"
    LINK_EXPIRED = "link_expired"
    CODE_INVALID = "code_invalid"
    COMMAND_ID_REUSED = "command_id_reused"
    UNKNOWN_COMMAND = "unknown_command"
    NOT_SUPPORTED = "not_supported"
    UNREADABLE = "unreadable"
    NOT_AUTHENTIC = "not_authentic"
    HANDLER_FAILED = "handler_failed"
    REQUEST_UNKNOWN = "request_unknown"
    DATABASE_CHANGED = "database_changed"
    DISPATCH_PAUSED = "dispatch_paused"


REMEDIES: Final[dict[Reason, str]] = {
    Reason.NO_ACTIVE_IDENTITY: "Send StartIdentityVerification and let the person prove who they are.",
    Reason.SESSION_REQUIRED: "Send StartAal2Challenge, then ConfirmReturn when the person is back.",
    Reason.SESSION_REFUSED: "Metriport did not accept the session: send StartAal2Challenge again.",
    Reason.SESSION_REFUSED_TWICE: "Ask Metriport's support why fresh sessions are not accepted.",
    Reason.PURPOSE_NOT_ALLOWED: "The subject is linked to this patient for the other purpose; that cannot change.",
    Reason.TREATMENT_DISABLED: "An operator may set TREATMENT_ENABLED=true for providers who treat the patient.",
    Reason.NO_ACCEPTED_QUERY: "Send StartNetworkQuery with purposeOfUse=ias first and wait for NetworkQueryStarted.",
    Reason.PATIENT_NOT_LINKED: "Send RegisterPatient or LinkPatient for this subject first.",
    Reason.PATIENT_NOT_FOUND: "Check the patientId; it may belong to another Metriport account.",
    Reason.PATIENT_OPTED_OUT: "The patient has opted out of the networks; only they can opt in again.",
    Reason.PATIENT_LIMIT_REACHED: "Metriport's sandbox holds a limited number of patients: remove some there.",
    Reason.INVALID_FIELD: "Correct the named field and send a new command.",
    Reason.RETURN_URL_NOT_ALLOWED: "Use a returnUrl that stands, letter for letter, on RETURN_URL_ALLOWLIST.",
    Reason.QUERY_ALREADY_OPEN: "Wait until the patient's running HIE query has finished.",
    Reason.SOURCE_NOT_ENABLED: "Ask Metriport to enable the source for the account.",
    Reason.SOURCE_FAILED: "The source failed at Metriport; a later query may succeed.",
    Reason.VENDOR_REFUSED: "Metriport refused the call for good; the gateway's log names the status and title.",
    Reason.VENDOR_UNCLEAR: "The call was sent and no answer came; look at the patient in Metriport's dashboard.",
    Reason.IDENTITY_CONFLICT: "An identity or session was presented for two subjects; an operator must look.",
    Reason.TOO_MANY_OPENINGS: "The link was opened too often; wait an hour or start the step again.",
    Reason.DEADLINE_PASSED: "Send the command again with a later deadline.",
    Reason.REVOKED: "The identity was revoked; start identity verification again.",
    Reason.CANCELLED: "Nothing; it was cancelled on request.",
    Reason.ERASED: "Nothing; the subject was erased on request.",
    Reason.LEGAL_HOLD: "Lift the legal hold before erasing.",
    Reason.LINK_EXPIRED: "Start the step again to get a fresh link.",
    Reason.CODE_INVALID: "The code is unknown, used, too old or of another subject: start the challenge again.",
    Reason.COMMAND_ID_REUSED: "Use a new commandId for a command with other content.",
    Reason.UNKNOWN_COMMAND: "Check the ce_type header against the AsyncAPI document.",
    Reason.NOT_SUPPORTED: "This version does not act on the command; see the README for what is not there yet.",
    Reason.UNREADABLE: "Check that the value is JSON and that the CloudEvents headers are there.",
    Reason.NOT_AUTHENTIC: "A message on a topic did not prove its origin: find out who wrote it.",
    Reason.HANDLER_FAILED: "A defect in this service: the dead letter holds the message for a later replay.",
    Reason.REQUEST_UNKNOWN: "Metriport answered a query of a patient of ours that was not started here: look there.",
    Reason.DATABASE_CHANGED: "Operators follow the runbook (deploy/README.md): the database was restored or failed"
    " over, and a query that was due may have been sent; look at the patient in Metriport's dashboard.",
    Reason.DISPATCH_PAUSED: "An operator paused the calls: metriport-ias dispatch resume lets them out again.",
}
"""What the person or the operator can do, for each reason."""
