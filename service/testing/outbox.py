"""What was told, in order: sequence numbers, the callers' metadata, and final events for repeats."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from schemas.as_told import encode_event, encode_link, encode_record_request
from schemas.base import Command, Event
from schemas.client import Record
from schemas.events import SubjectErased
from schemas.ids import CommandId, RequestId, SubjectId
from schemas.links import Link
from schemas.record_requests import RecordRequest
from service.ias.telling import ENDED_BY

Message = Event | Link | RecordRequest | RequestId
"""Whatever is told; a request id alone is the tombstone of its record request."""


@dataclass(frozen=True)
class Told:
    """One message as it was told. A repeat of an event is the same value once more."""

    id: UUID
    time: datetime
    message: Message

    def record(self, prefix: str = "") -> Record:
        """The Kafka record that the service would have written."""
        match self.message:
            case Link():
                return encode_link(self.message, time=self.time, prefix=prefix)
            case Event():
                return encode_event(self.message, event_id=self.id, time=self.time, prefix=prefix)
            case state:
                return encode_record_request(state, event_id=self.id, time=self.time, prefix=prefix)


@dataclass
class Asked:
    """A command that was taken, and the event that ended it."""

    command: Command
    final: Told | None = None

    @property
    def is_erased(self) -> bool:
        """Whether the receipt of an erasure ended it: then nobody knows what it was any more."""
        return self.final is not None and isinstance(self.final.message, SubjectErased)


@dataclass
class Outbox:
    """Everything told so far, and what is needed to tell more."""

    told: list[Told] = field(default_factory=list)
    asked: dict[tuple[SubjectId, CommandId], Asked] = field(default_factory=dict)
    _numbers: Counter[SubjectId] = field(default_factory=Counter)

    def emit(self, event: Event, event_id: UUID, now: datetime, *, ends: bool = True) -> Event:
        """Tell an event; it is kept for repeats if it is the end of its command."""
        subject_id = event.subject_id
        self._numbers[subject_id] += 1
        asked = self._asked(event)
        event = msgspec.structs.replace(
            event,
            sequence=self._numbers[subject_id],
            metadata=None if asked is None else asked.command.metadata,
        )
        told = self._tell(event_id, now, event)
        if ends and asked is not None and _is_end(event, asked.command):
            asked.final = told
        return event

    def issue(self, link: Link, now: datetime) -> None:
        """Tell a link, to the one topic that carries them."""
        self._tell(link.link_id, now, link)

    def tell_state(self, state: RecordRequest | RequestId, event_id: UUID, now: datetime) -> None:
        """Tell where a record request stands, or that it is to be forgotten."""
        self._tell(event_id, now, state)

    def repeat(self, told: Told | None) -> None:
        """Tell an event again, if there is one yet."""
        if told is not None:
            self.told.append(told)

    def end_all(self, subject_id: SubjectId) -> None:
        """The receipt that was told last ends every command of the subject."""
        for (whose, _), asked in self.asked.items():
            if whose == subject_id and not asked.is_erased:
                asked.final = self.told[-1]

    def number(self, subject_id: SubjectId) -> int:
        """How many events were told of the subject."""
        return self._numbers[subject_id]

    def _tell(self, event_id: UUID, now: datetime, message: Message) -> Told:
        told = Told(event_id, now, message)
        self.told.append(told)
        return told

    def _asked(self, event: Event) -> Asked | None:
        if event.command_id is None:
            return None
        return self.asked.get((event.subject_id, event.command_id))


def _is_end(event: Event, command: Command) -> bool:
    kind = f"ias.command.{type(command).__name__}"
    return kind in ENDED_BY.get(type(event), frozenset())
