"""Ids as their own types: handing a patient's id where a subject's is due is a type error.

All ids of the vendor and of the caller are opaque text of up to 255 characters; prefixes such as
``pid_`` in Metriport's samples are illustrations, not contracts.
"""

from typing import Annotated, NewType
from uuid import UUID

import msgspec

OpaqueText = Annotated[
    str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")
]
"""Control characters are refused: Postgres cannot store U+0000, logs must not be broken by others.

``$(?!\\n)`` because Python's ``$`` also matches before a last line break, unlike ECMAScript's."""

SubjectId = NewType("SubjectId", OpaqueText)
"""The application's user. Theirs; we never interpret it."""

PatientId = NewType("PatientId", OpaqueText)
"""Metriport's patient. Two subjects can be linked to one patient: the vendor matches fuzzily."""

ExternalId = NewType("ExternalId", OpaqueText)
"""The application's own name for a patient, kept by Metriport."""

FacilityId = NewType("FacilityId", OpaqueText)
"""A facility of the Metriport account."""

CommandId = NewType("CommandId", UUID)
"""The caller's id of a command; unique per subject."""

EventId = NewType("EventId", UUID)
"""``ce_id`` of an event. A repeated delivery carries the same one."""

MessageId = NewType("MessageId", OpaqueText)
"""``meta.messageId`` of a webhook: the same on every delivery of one webhook."""

VendorRequestId = NewType("VendorRequestId", OpaqueText)
"""Metriport's id of a network query, consolidated query or document request."""

LinkId = NewType("LinkId", UUID)
"""One link on ``ias.links.v1``; events refer to links by it. Of a hosted step it is the step's id."""

OpenId = NewType("OpenId", UUID)
"""One click on a hosted step's button: one fresh hosted page."""

RequestId = NewType("RequestId", UUID)
"""Our id of a network query, a consolidated query or a record request."""

VerificationId = NewType("VerificationId", UUID)
"""Our id of one identity verification; travels to the vendor as metadata."""

ChallengeId = NewType("ChallengeId", UUID)
"""Our id of one AAL2 challenge."""

IdentityId = NewType("IdentityId", UUID)
"""Our id of a proofed identity; stands for the vendor's secret ``proofedIdentityId``."""

SessionId = NewType("SessionId", UUID)
"""Our id of an AAL2 session; stands for the vendor's secret ``aal2SessionId``."""
