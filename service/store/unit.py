"""A unit of work: one transaction, the database's clock, the vault, and what is to be told."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.ids import SubjectId
from service.crypto import envelope
from service.crypto.envelope import DataKey
from service.crypto.keys import KeyRing
from service.store.statements import Statements


@dataclass(frozen=True)
class Vault:
    """Opens and makes subjects' data keys."""

    keys: KeyRing | None

    def new(self, subject_id: SubjectId) -> tuple[DataKey, bytes]:
        """A fresh data key and its wrapped form."""
        return envelope.new_data_key(self._ring(), subject_id)

    def unwrap(self, subject_id: SubjectId, wrapped: bytes) -> DataKey:
        """The data key of a subject's row."""
        return envelope.unwrap(self._ring(), wrapped, subject_id)

    def _ring(self) -> KeyRing:
        if self.keys is None:
            raise PermissionError("this process holds no keys for data at rest")
        return self.keys


@dataclass(eq=False)
class Unit:
    """Handed to every function of the store. ``now`` is the database's clock at the start.

    ``traceparent`` (W3C) of what caused the work is passed on to events and calls; in a batch it changes
    from message to message.
    """

    conn: Statements
    vault: Vault
    now: datetime
    traceparent: str | None = None
    data_keys: dict[SubjectId, DataKey] = field(default_factory=dict, repr=False)
    remembered: dict[tuple[str, bytes], bool] = field(default_factory=dict, repr=False)
    """What a batch wrote to the inbox, and whether it was new. It stays true until the unit ends."""
    to_tell: list[Any] = field(default_factory=list, repr=False)
    """Messages that the outbox collects and writes together."""
