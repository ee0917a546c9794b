"""Bearer links, for the application alone (``ias.links.v1``, key ``subjectId``, retention one hour).

Whoever holds a link can use it: this topic is the one place that carries them, behind a narrow ACL.
"""

from enum import StrEnum
from typing import Final

from .base import Message, UtcTime
from .ids import LinkId, PatientId, RequestId, SubjectId


class LinkKind(StrEnum):
    """What a link opens."""

    HOSTED_STEP = "hosted_step"
    CONSOLIDATED_DATA = "consolidated_data"


class Link(Message, frozen=True, kw_only=True):
    """One link. A hosted-step link is ours (``/go/…``); a data link is the vendor's."""

    link_id: LinkId
    kind: LinkKind
    url: str
    expires_at: UtcTime
    subject_id: SubjectId
    patient_id: PatientId
    content_type: str | None = None
    request_id: RequestId | None = None


LINK_TYPE: Final = "ias.link.Issued"
"""``ce_type`` of a link."""
