"""What could not be acted on (``ias.dead-letters.v1``), for operators.

The original bytes are sealed; the reason is a code from the closed list, never an exception text,
because exception texts of our libraries carry values.
"""

from typing import Annotated, Final

import msgspec

from .base import Count, Message, UtcTime
from .reasons import Reason


class DeadLetter(Message, frozen=True, kw_only=True):
    """One message, where it came from, and why it is here."""

    reason: Reason
    sealed: Annotated[bytes, msgspec.Meta()]
    received_at: UtcTime
    topic: str | None = None
    partition: Count | None = None
    offset: Count | None = None
    message_type: str | None = None


DEAD_LETTER_TYPE: Final = "ias.dead-letter.Stored"
"""``ce_type`` of a dead letter."""
