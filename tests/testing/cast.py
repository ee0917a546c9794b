"""A subject of a double, with its commands: what another team's tests would have."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from schemas import commands as c
from schemas.base import Command, Event
from schemas.demographics import Address, Demographics
from schemas.ids import CommandId, PatientId, SubjectId
from schemas.sources import PurposeOfUse, Source, SourceSelection
from service.testing import IasDouble, Told

JANE = Demographics(
    first_name="Jane",
    last_name="Smith",
    dob=date(1996, 2, 10),
    gender_at_birth="F",
    address=[Address(address_line1="123 Arsenal St", city="Phoenix", state="AZ", zip="85300")],
)
ALL = SourceSelection(hie=True, pharmacy=True, lab=True)
HIE = SourceSelection(hie=True)
BACK = "https://app.example.com/return"
ANN, BOB = SubjectId("ann"), SubjectId("bob")

E = TypeVar("E", bound=Event)
C = TypeVar("C", bound=Command)


@dataclass
class Member:
    """One subject of one double."""

    double: IasDouble
    subject_id: SubjectId = ANN
    patient_id: PatientId = field(default_factory=lambda: PatientId("nobody"))
    sent: list[Command] = field(default_factory=list)

    def make(self, kind: type[C], **fields: Any) -> C:
        """A command of this subject under a fresh id."""
        command_id = CommandId(UUID(int=len(self.sent) + 1))
        command = kind(command_id=command_id, subject_id=self.subject_id, **fields)
        self.sent.append(command)
        return command

    def send(self, kind: type[Command], **fields: Any) -> list[Told]:
        return self.double.send(self.make(kind, **fields))

    def about(self, kind: type[Command], **fields: Any) -> list[Told]:
        """Send a command about the subject's patient."""
        return self.send(kind, patient_id=self.patient_id, **fields)

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.double.events(self.subject_id)]

    def last(self, kind: type[E]) -> E:
        """The newest event of a kind."""
        events = self.double.events(self.subject_id)
        return [event for event in events if isinstance(event, kind)][-1]

    def registered(self, who: Demographics = JANE) -> "Member":
        self.send(c.RegisterPatient, purpose=PurposeOfUse.IAS, demographics=who)
        self.patient_id = self.double.events(self.subject_id)[-1].patient_id or self.patient_id
        return self

    def proofed(self) -> "Member":
        self.registered()
        self.about(c.StartIdentityVerification, return_url=BACK)
        self.double.person_proves_identity(self.subject_id)
        return self

    def challenged(self) -> None:
        self.about(c.StartAal2Challenge, return_url=BACK)
        self.answer()

    def answer(self) -> None:
        self.send(c.ConfirmReturn, code=self.double.person_answers_challenge(self.subject_id))

    def ready(self) -> "Member":
        self.proofed().challenged()
        return self

    def query(self, sources: SourceSelection = ALL) -> list[Told]:
        return self.about(c.StartNetworkQuery, purpose_of_use=PurposeOfUse.IAS, sources=sources)

    def finish(self, sources: SourceSelection = ALL) -> None:
        for source in sources.chosen():
            self.double.vendor_finishes(self.subject_id, Source(source))

    def request(self, **fields: Any) -> list[Told]:
        return self.send(c.RequestRecords, return_url=BACK, **({"sources": ALL} | fields))
