"""An example of each message that is neither a command nor an event."""

import hashlib
from typing import Final

from ..base import Message  # noqa: TID252 - `schemas` is published alone: its imports stay relative
from ..callbacks import Aal2Returned, LinkOpened  # noqa: TID252 - as above
from ..dead_letters import DeadLetter  # noqa: TID252 - as above
from ..events import StepKind  # noqa: TID252 - as above
from ..links import Link, LinkKind  # noqa: TID252 - as above
from ..reasons import Reason  # noqa: TID252 - as above
from ..record_requests import RecordRequest, RecordStep, WaitingFor  # noqa: TID252 - as above
from ..sources import Source  # noqa: TID252 - as above
from ..topics import Topic  # noqa: TID252 - as above
from .story import CHALLENGE, OPENING, PATIENT, SEALED, SUBJECT, at, link_id, request_id

OTHER_EXAMPLES: Final[tuple[Message, ...]] = (
    Link(
        link_id=link_id(1),
        kind=LinkKind.HOSTED_STEP,
        url="https://ias.example.com/go/opaque-token",
        expires_at=at(18, 0),
        subject_id=SUBJECT,
        patient_id=PATIENT,
    ),
    Link(
        link_id=link_id(3),
        kind=LinkKind.CONSOLIDATED_DATA,
        url="https://data.example.com/bundle?signature=opaque",
        expires_at=at(9, 48),
        subject_id=SUBJECT,
        patient_id=PATIENT,
        content_type="application/fhir+json",
        request_id=request_id(2),
    ),
    RecordRequest(
        request_id=request_id(3),
        subject_id=SUBJECT,
        step=RecordStep.IDENTITY_VERIFICATION,
        waiting_for=WaitingFor.IDENTITY_VERIFICATION,
        deadline=at(18, 0),
        sources=[Source.HIE],
        updated_at=at(9, 5),
        patient_id=PATIENT,
    ),
    LinkOpened(
        link_id=link_id(1),
        open_id=OPENING,
        subject_id=SUBJECT,
        kind=StepKind.IDENTITY_VERIFICATION,
        opened_at=at(9, 6),
    ),
    Aal2Returned(
        challenge_id=CHALLENGE,
        open_id=OPENING,
        subject_id=SUBJECT,
        aal2_session_id="opaque-session-id",
        code_hash=hashlib.sha256(b"one-time-code-from-the-url").digest(),
        returned_at=at(9, 20),
    ),
    DeadLetter(
        reason=Reason.UNREADABLE,
        sealed=SEALED,
        received_at=at(9, 0),
        topic=Topic.COMMANDS.value,
        partition=4,
        offset=1207,
        message_type="ias.command.RegisterPatient",
    ),
)
"""One of each; two links, because there are two kinds."""
