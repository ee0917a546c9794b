"""What the person's browser did (``ias.callbacks.v1``, key ``subjectId``).

Written by the ingress, sealed so that only consumers can read them and authenticated by a MAC so
that the right to write to the topic is not trust.
"""

from typing import Annotated, Final

import msgspec

from .base import Message, UtcTime
from .events import StepKind
from .ids import ChallengeId, LinkId, OpaqueText, OpenId, SubjectId


class LinkOpened(Message, frozen=True, kw_only=True):
    """Somebody pressed the button of a hosted step: a fresh hosted page is wanted."""

    link_id: LinkId
    open_id: OpenId
    subject_id: SubjectId
    kind: StepKind
    opened_at: UtcTime


class Aal2Returned(Message, frozen=True, kw_only=True):
    """A browser that had opened the challenge came back with a session id, said to be verified.

    ``codeHash`` is the SHA-256 of the one-time code that the browser took to the application.
    """

    challenge_id: ChallengeId
    open_id: OpenId
    subject_id: SubjectId
    aal2_session_id: OpaqueText
    code_hash: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    returned_at: UtcTime


CALLBACKS: Final[dict[str, type[Message]]] = {
    "ias.callback.LinkOpened": LinkOpened,
    "ias.callback.Aal2Returned": Aal2Returned,
}
"""Every callback by its ``ce_type``."""
