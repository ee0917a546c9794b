"""The two stages: the double, and a whole deployment of processes."""

import uuid
from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.base import Event
from schemas.client import encode_command
from schemas.commands import COMMANDS
from schemas.ids import SubjectId
from schemas.links import Link
from schemas.problems import decode
from schemas.sources import Source
from service.testing import IasDouble, Terms
from tests.local.application import Told
from tests.local.journey import JANE
from tests.processes.scene import Member
from tests.testing.stories import Fields

DOUBLE_URL = "https://app.example.com/return"


@dataclass
class OnDouble:
    """In memory. Commands go in as the records that would be on Kafka."""

    double: IasDouble = field(
        default_factory=lambda: IasDouble(
            terms=Terms(return_urls=frozenset({DOUBLE_URL}), treatment_enabled=True)
        )
    )
    subject_id: SubjectId = field(default_factory=lambda: SubjectId(f"user-{uuid.uuid4()}"))
    return_url: str = DOUBLE_URL
    patient_id: str = ""

    async def send(self, command: str, until: str, **fields: Any) -> str:
        content = {"commandId": str(uuid.uuid4()), "subjectId": self.subject_id, **fields}
        kind = COMMANDS[f"ias.command.{command}"]
        record = encode_command(decode(msgspec.json.encode(content), kind), source="/tests")
        told = self.double.receive(record["headers"], record["value"])
        assert not until or until in {type(one.message).__name__ for one in told}
        return str(content["commandId"])

    async def register(self) -> str:
        fields = {"purpose": "ias", "demographics": JANE, "externalId": "member-42"}
        command_id = await self.send("RegisterPatient", "PatientRegistered", **fields)
        self.patient_id = self.double.events(self.subject_id)[-1].patient_id or ""
        return command_id

    async def prove(self) -> None:
        self.double.person_proves_identity(self.subject_id)

    async def answer(self) -> str:
        return self.double.person_answers_challenge(self.subject_id)

    async def finish(self) -> None:
        self.double.vendor_brings_first_data(self.subject_id, Source.HIE)
        for source in Source:
            self.double.vendor_finishes(self.subject_id, source)

    async def deliver(self) -> None:
        self.double.vendor_delivers(self.subject_id)

    def told(self) -> list[tuple[str, Fields]]:
        """Every event, then every link."""
        messages = [one.message for one in self.double.told]
        ordered = sorted(messages, key=lambda message: isinstance(message, Link))
        return [
            (type(message).__name__, msgspec.to_builtins(message))
            for message in ordered
            if isinstance(message, Event | Link)
        ]


@dataclass
class OnProcesses:
    """A member of a scene: Kafka, Postgres, every role, and a double of Metriport."""

    member: Member
    patient_id: str = ""
    _last: str = ""

    @property
    def return_url(self) -> str:
        return self.member.application.return_url

    @property
    def subject_id(self) -> str:
        return self.member.subject_id

    async def send(self, command: str, until: str, **fields: Any) -> str:
        before = len(self.member.distinct())
        self._last = await self.member.send(command, **fields)
        if until:
            skip = sum(
                told.type == f"ias.event.{until}" and told.content.get("commandId") == self._last
                for told in self.member.distinct()[:before]
            )
            await self.member.told(until, self._last, skip=skip)
        return self._last

    async def register(self) -> str:
        fields = {
            "purpose": "ias",
            "demographics": self.member.demographics,
            "externalId": "member-42",
        }
        command_id = await self.send("RegisterPatient", "PatientRegistered", **fields)
        registered = await self.member.told("PatientRegistered", command_id)
        self.patient_id = str(registered["patientId"])
        return command_id

    async def prove(self) -> None:
        link = await self.member.step_link(self._last)
        await self.member.browser.prove_identity(link["url"])
        await self.member.told("IdentityVerified", self._last)

    async def answer(self) -> str:
        link = await self.member.step_link(self._last)
        await self.member.browser.answer_challenge(link["url"])
        await self.member.told("Aal2SessionReceived", self._last)
        return (await self.member.application.returned(link["linkId"]))["code"]

    async def finish(self) -> None:
        await self.member.told("NetworkQueryFinished", self._last)

    async def deliver(self) -> None:
        ready = await self.member.told("ConsolidatedDataReady", self._last)
        await self.member.application.link(ready["linkId"])

    def told(self) -> list[tuple[str, Fields]]:
        """Every event, then every link."""
        events = [_named(told) for told in self.member.distinct()]
        links = self.member.application.links.values()
        mine = [link for link in links if link["subjectId"] == self.subject_id]
        return events + [(Link.__name__, link) for link in mine]


def _named(told: Told) -> tuple[str, Fields]:
    return told.type.removeprefix("ias.event."), told.content
