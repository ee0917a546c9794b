"""The record of every call received: in-memory truth for tests. It holds secrets."""

from dataclasses import asdict, dataclass, field
from typing import Any

from .times import iso

HEADERS_OF_INTEREST = (
    "x-api-key",
    "x-aal2-session",
    "content-type",
    "user-agent",
    "traceparent",
    "if-match",
)


@dataclass(kw_only=True)
class Call:
    """One call, and how it was answered."""

    number: int
    at: float
    operation: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str
    status: int | None = None
    """None while it is worked on, and for good when a fault kept the answer back."""
    answer: str | None = None
    """The JSON or text produced, also when the answer was dropped on its way."""
    fault: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the call for the control API."""
        return asdict(self) | {"at": iso(self.at)}


@dataclass
class Ledger:
    """All calls, in the order in which they came."""

    calls: list[Call] = field(default_factory=list)

    def of(self, operation: str) -> list[Call]:
        """Return the calls of one operation."""
        return [call for call in self.calls if call.operation == operation]
