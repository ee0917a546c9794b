"""One double's world: its clock, its ids, what it remembers and what it has told."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from schemas.base import Command, Event
from schemas.ids import PatientId, RequestId, SubjectId
from schemas.links import Link
from schemas.metriport.api import Patient
from schemas.reasons import Reason
from schemas.record_requests import RecordRequest
from schemas.sources import PurposeOfUse, Source
from service.ias import aal2, return_url
from service.ias.aal2_steps import rejected
from service.ias.entitlement import refuse_data
from service.ias.refusal import Refusal
from service.ias.telling import Head, head
from service.testing.memory import Identity, Kept, Subject
from service.testing.outbox import Outbox
from service.testing.terms import Terms

_NAMES: Final = UUID("018f5d3c-d0b1-7000-8000-000000000000")


@dataclass
class World:
    """What every part of the double acts on.

    Attributes:
        patients: Metriport's patients by what it matches them by.
        slots: The one HIE query that runs for a patient.
        refusal: Why Metriport will refuse the next call, if it will.
    """

    terms: Terms
    now: datetime
    outbox: Outbox = field(default_factory=Outbox)
    subjects: dict[SubjectId, Subject] = field(default_factory=dict)
    patients: dict[bytes, Patient] = field(default_factory=dict)
    slots: dict[PatientId, RequestId] = field(default_factory=dict)
    refusal: Reason | None = None
    _made: int = 0

    def new_id(self) -> UUID:
        """The next id; the same calls make the same ids."""
        self._made += 1
        return uuid5(_NAMES, str(self._made))

    def subject(self, subject_id: SubjectId) -> Subject:
        """What is remembered of a subject, from the first time that it is named."""
        return self.subjects.setdefault(subject_id, Subject(subject_id))

    def tell(self, events: Iterable[Event]) -> None:
        """Tell events, in order."""
        for event in events:
            self.outbox.emit(event, self.new_id(), self.now)

    def issue(self, link: Link) -> None:
        """Tell a link."""
        self.outbox.issue(link, self.now)

    def tell_state(self, state: RecordRequest | RequestId) -> None:
        """Tell where a record request stands, or its tombstone."""
        self.outbox.tell_state(state, self.new_id(), self.now)

    def reject(self, command: Command, refusal: Refusal, *, ends: bool = True) -> None:
        """The command was not valid. ``ends=False``: an earlier command under its id stands."""
        about = head(command.subject_id, None, command.command_id)
        self.outbox.emit(rejected(about, refusal), self.new_id(), self.now, ends=ends)

    def take_refusal(self) -> Reason | None:
        """Why Metriport refuses the call that is made now; the next is accepted again."""
        reason, self.refusal = self.refusal, None
        return reason

    def refuse_return_url(self, url: str) -> Refusal | None:
        """Whether a browser may be sent back there."""
        allowed = self.terms.return_urls
        return None if allowed is None else return_url.refuse_return_url(url, allowed)

    def refuse_sources(self, sources: tuple[Source, ...], deadline: datetime) -> Refusal | None:
        """Whether there is something to ask, and time for it."""
        if not sources:
            text = "at least one source must be enabled"
            return Refusal(Reason.INVALID_FIELD, text, "sources")
        if deadline <= self.now:
            return Refusal(Reason.DEADLINE_PASSED, "the deadline has passed", "deadline")
        return None

    def refuse_data(self, about: Head) -> Refusal | None:
        """Whether the subject may be handed the patient's record (I9)."""
        subject, patient_id = self.subject(about["subject_id"]), about["patient_id"]
        identity = subject.active(patient_id)
        accepted = identity is not None and any(
            query.vendor_request_id is not None
            and query.identity_id == identity.identity_id
            and not query.withheld
            for query in subject.queries
        )
        link = None if patient_id is None else subject.links.get(patient_id)
        return refuse_data(
            link, has_active_identity=identity is not None, has_accepted_query=accepted
        )

    def proof(self, about: Head) -> tuple[Identity | None, Kept | None]:
        """The active identity, and its newest session that a call may carry."""
        subject = self.subject(about["subject_id"])
        identity = subject.active(about["patient_id"])
        if identity is None:
            return None, None
        mine = (
            kept
            for kept in reversed(subject.sessions)
            if kept.rule.identity_id == identity.identity_id and self.is_usable(kept)
        )
        return identity, next(mine, None)

    def is_usable(self, kept: Kept) -> bool:
        """Whether a call may carry the session now."""
        terms = self.terms
        age, idle = terms.session_max_age, terms.session_max_idle
        return aal2.is_usable(kept.rule, self.now, age, idle, reuse=terms.session_reuse)

    def purpose(self, about: Head) -> PurposeOfUse | None:
        """The purpose of the subject's link to the patient."""
        patient_id = about["patient_id"]
        return (
            None if patient_id is None else self.subject(about["subject_id"]).links.get(patient_id)
        )
