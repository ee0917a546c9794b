"""A 'no' with its reason; the one way in which rules refuse."""

from dataclasses import dataclass

from schemas.reasons import Reason


@dataclass(frozen=True)
class Refusal:
    """Why something is not done. ``message`` is for people and holds no value of theirs."""

    reason: Reason
    message: str
    field: str | None = None
