"""The common shape of every message: camelCase on the wire, immutable, tolerant of new fields."""

from datetime import datetime
from typing import Annotated

import msgspec

from .ids import CommandId, PatientId, RequestId, SubjectId

UtcTime = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 with an offset; we always write UTC."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""A whole number that every reader holds exactly: JavaScript's, Postgres' and Kafka's."""

Sha256Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$(?!\\n)")]
"""A SHA-256 digest."""

Ed25519Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{128}$(?!\\n)")]
"""An Ed25519 signature (RFC 8032)."""

KeyIdHex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8}$(?!\\n)")]
"""Names a public key without telling it."""

Metadata = Annotated[
    dict[
        Annotated[str, msgspec.Meta(min_length=1, max_length=40)],
        Annotated[str, msgspec.Meta(max_length=500)],
    ],
    msgspec.Meta(max_length=40),
]
"""String pairs of the caller, echoed on events. Limits as Metriport's (40/500 characters, 50 pairs),
ten pairs kept for our own."""

ReturnUrl = Annotated[str, msgspec.Meta(min_length=9, max_length=300)]
"""Where the person's browser goes back to; must be on ``RETURN_URL_ALLOWLIST``, exactly."""


class Message(msgspec.Struct, rename="camel", frozen=True, kw_only=True, omit_defaults=True):
    """A JSON object on the wire. Optional fields are left out when they have no value."""


class Command(Message, frozen=True, kw_only=True):
    """What every command carries.

    ``commandId`` is unique per subject: the same content again acts once and is answered with the
    same final event; other content under a used id is rejected.
    """

    command_id: CommandId
    subject_id: SubjectId
    metadata: Metadata | None = None


class Event(Message, frozen=True, kw_only=True):
    """What every event carries. ``sequence`` has no gaps within a subject and starts at 1."""

    sequence: Count
    subject_id: SubjectId
    command_id: CommandId | None = None
    request_id: RequestId | None = None
    patient_id: PatientId | None = None
    metadata: Metadata | None = None
