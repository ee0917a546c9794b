"""Who and what the examples speak of. Nobody here is real."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from ..ids import (  # noqa: TID252 - `schemas` is published alone: its imports stay relative
    ChallengeId,
    CommandId,
    LinkId,
    OpenId,
    PatientId,
    RequestId,
    SubjectId,
    VendorRequestId,
)

SUBJECT: Final = SubjectId("user-8f14")
PATIENT: Final = PatientId("018f5d3c-6f0e-7a51-9c3b-2f6a1b7d4e90")
VENDOR_REQUEST: Final = VendorRequestId("018f5d3c-9a11-7c02-8d5e-61f0c2a7b3d4")
CHALLENGE: Final = ChallengeId(UUID("018f5d3c-c001-7000-8000-000000000001"))
OPENING: Final = OpenId(UUID("018f5d3c-0be1-7000-8000-000000000001"))
RETURN_URL: Final = "https://app.example.com/records/return"
SEALED: Final = b"these bytes stand for an HPKE box"


def at(hour: int, minute: int) -> datetime:
    """A time on the day of the story."""
    return datetime(2026, 3, 2, hour, minute, tzinfo=UTC)


def command_id(number: int) -> CommandId:
    """The id of the story's nth command."""
    return CommandId(UUID(f"018f5d3c-aaaa-7000-8000-{number:012d}"))


def link_id(number: int) -> LinkId:
    """The id of the story's nth link."""
    return LinkId(UUID(f"018f5d3c-bbbb-7000-8000-{number:012d}"))


def request_id(number: int) -> RequestId:
    """The id of the story's nth request."""
    return RequestId(UUID(f"018f5d3c-cccc-7000-8000-{number:012d}"))
