"""What a run left behind, seen from outside, and what the checker says of it: values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

Fields = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Record:
    """One Kafka record; ``topic`` without the deployment's prefix, ``timestamp`` in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None

    def header(self, name: str) -> str:
        """The header as text; empty where it is not there."""
        return next((value.decode() for known, value in self.headers if known == name), "")


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Something that a command waits for, as the database names it, and until when (epoch seconds)."""

    subject_id: str
    command_id: str
    what: str
    deadline: float


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that happened, once all is quiet.

    Attributes:
        at: When it was collected, in epoch seconds.
        sent: The commands that Kafka acknowledged: type, commandId, subjectId, at, content.
        calls: The vendor's ledger: every call with its headers, body and answer.
        vendor: The vendor's own state: patients, identities, sessions, queries.
        webhooks: The vendor's rows of webhooks, each with its status and deliveries.
        deliveries: Every attempt of the vendor's to deliver, in order.
        records: Every record of every topic.
        dump: The database as text.
        waiting: What the database says that commands wait for.
        numbered: How many events each subject has been told, as the database counts them.
        logs: What every process of the product printed, by its name.
        limits: Calls a minute that this deployment may make, by the vendor's names.
        session_seconds: The age at which the product must not use a session any more.
        keys: Keys of the deployment and of the account, by name.
        foreign: What somebody else wrote to topics on purpose, and that nobody may act on.
    """

    at: float
    sent: tuple[Fields, ...] = ()
    calls: tuple[Fields, ...] = ()
    vendor: Fields = field(default_factory=dict)
    webhooks: tuple[Fields, ...] = ()
    deliveries: tuple[Fields, ...] = ()
    records: tuple[Record, ...] = ()
    dump: str = field(default="", repr=False)
    waiting: tuple[Waiting, ...] = ()
    numbered: Mapping[str, int] = field(default_factory=dict)
    logs: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: Mapping[str, int] = field(default_factory=dict)
    session_seconds: float = 900.0
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    foreign: frozenset[bytes] = frozenset()


class Kind(StrEnum):
    """What a finding comes to for whoever is concerned."""

    LOST = "lost"
    """What had to be done, told or kept was not."""
    WRONG = "wrong"
    """What must not be was done, told or shown."""
    DUPLICATE = "duplicate"
    """What had to be once was twice."""


class Finding(NamedTuple):
    """A sentence for one case that broke an invariant.

    ``began``: when the case began, in epoch seconds: the command was sent, the webhook tried for the first
    time, the call made. ``None`` where there is no such moment, as of a secret in the database.
    """

    text: str
    kind: Kind
    began: float | None = None


@dataclass(frozen=True)
class Verdict:
    """One invariant: how many cases were looked at, and a finding for each that broke it.

    Nothing checked is not the same as nothing broken: whoever reads a verdict looks at both.
    """

    invariant: str
    checked: int
    broken: list[Finding]
