"""The two stages: the double, and a whole deployment of processes."""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.base import Event
from schemas.client import encode_command
from schemas.commands import COMMANDS
from schemas.ids import SubjectId
from schemas.links import Link
from schemas.metriport.webhooks import FIRST_DATA_READY
from schemas.problems import decode
from schemas.record_requests import RecordRequest
from schemas.sources import Source
from schemas.topics import Topic
from service.testing import IasDouble, Terms
from tests.local.application import Told
from tests.local.journey import JANE
from tests.processes.observed import read_topic
from tests.processes.scene import Member, Scene
from tests.testing.stories import Fields

DOUBLE_URL = "https://app.example.com/return"
_LAST = (Link.__name__, RecordRequest.__name__)


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
    demographics: Fields = field(default_factory=lambda: JANE)
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

    async def told_of(self, event: str, command_id: str, **fields: Any) -> Fields:
        wanted = {"commandId": command_id, **fields}
        found = [
            content for kind, content in self._told() if kind == event and _has(content, wanted)
        ]
        assert found, f"no {event} {wanted}"
        return found[0]

    async def prove(self, _command_id: str) -> None:
        self.double.person_proves_identity(self.subject_id)

    async def answer(self, _command_id: str) -> str:
        return self.double.person_answers_challenge(self.subject_id)

    async def keep_news_back(self) -> None:
        """It never comes but by ``finish``."""

    async def finish(self, _command_id: str) -> None:
        self.double.vendor_brings_first_data(self.subject_id, Source.HIE)
        for source in Source:
            self.double.vendor_finishes(self.subject_id, source)

    async def deliver(self, _command_id: str) -> None:
        self.double.vendor_delivers(self.subject_id)

    async def told(self) -> list[tuple[str, Fields]]:
        """Every event, then every link, then every state of a record request."""
        return sorted(self._told(), key=lambda one: _LAST.index(one[0]) if one[0] in _LAST else -1)

    def _told(self) -> list[tuple[str, Fields]]:
        return [
            (type(one.message).__name__, msgspec.to_builtins(one.message))
            for one in self.double.told
            if isinstance(one.message, Event | Link | RecordRequest)
        ]


@dataclass
class OnProcesses:
    """A member of a scene: Kafka, Postgres, every role, and a double of Metriport."""

    scene: Scene
    member: Member
    patient_id: str = ""
    _is_silent: bool = False

    @property
    def return_url(self) -> str:
        return self.member.application.return_url

    @property
    def subject_id(self) -> str:
        return self.member.subject_id

    @property
    def demographics(self) -> Fields:
        return dict(self.member.demographics)

    async def send(self, command: str, until: str, **fields: Any) -> str:
        before = len(self.member.distinct())
        sent = await self.member.send(command, **fields)
        if until:
            skip = sum(
                told.type == f"ias.event.{until}" and told.content.get("commandId") == sent
                for told in self.member.distinct()[:before]
            )
            await self.member.told(until, sent, skip=skip)
        return sent

    async def told_of(self, event: str, command_id: str, **fields: Any) -> Fields:
        return await self.member.told(event, command_id, **fields)

    async def register(self) -> str:
        fields = {"purpose": "ias", "demographics": self.demographics, "externalId": "member-42"}
        command_id = await self.send("RegisterPatient", "PatientRegistered", **fields)
        registered = await self.member.told("PatientRegistered", command_id)
        self.patient_id = str(registered["patientId"])
        return command_id

    async def prove(self, command_id: str) -> None:
        link = await self._link(command_id, "identity_verification")
        await self.member.browser.prove_identity(link["url"])
        await self.member.application.event("IdentityVerified", linkId=link["linkId"])

    async def answer(self, command_id: str) -> str:
        link = await self._link(command_id, "aal2_challenge")
        await self.member.browser.answer_challenge(link["url"])
        await self.member.application.event("Aal2SessionReceived", linkId=link["linkId"])
        return (await self.member.application.returned(link["linkId"]))["code"]

    async def keep_news_back(self) -> None:
        await self.scene.vendor.mode(loss="silent")
        self._is_silent = True

    async def finish(self, command_id: str) -> None:
        """What was kept back comes one by one, each when what came of the last was told."""
        for news in await self._kept_back():
            await self.scene.vendor.emit(news)
            source, early = news["payload"]["source"], news["meta"]["type"] == FIRST_DATA_READY
            about = {"source": source["type"], "status": source["status"]}
            await self.member.told("NetworkQuerySourceUpdated", command_id, **about)
            if early:
                about = {"earlySources": [source["type"]]}
                await self.member.told("RecordRequestUpdated", command_id, **about)
        await self.member.told("NetworkQueryFinished", command_id)

    async def deliver(self, command_id: str) -> None:
        ready = await self.member.told("ConsolidatedDataReady", command_id)
        await self.member.application.link(ready["linkId"])

    async def told(self) -> list[tuple[str, Fields]]:
        """Every event, then every link, then every state of a record request."""
        events = [_named(told) for told in self.member.distinct()]
        links = self.member.application.links.values()
        records = await read_topic(self.scene.deployment, Topic.RECORD_REQUESTS)
        states = [json.loads(record.value) for record in records if record.value]
        states.sort(key=lambda state: str(state["updatedAt"]))  # one partition for each request
        rest = [(Link.__name__, link) for link in links]
        rest += [(RecordRequest.__name__, state) for state in states]
        return events + [one for one in rest if one[1]["subjectId"] == self.subject_id]

    async def _link(self, command_id: str, kind: str) -> Fields:
        asked = await self.member.told("UserActionRequired", command_id, kind=kind)
        return await self.member.application.link(asked["linkId"])

    async def _kept_back(self) -> list[Fields]:
        """The four webhooks about the patient's sources that went nowhere, oldest first, if they did."""
        if not self._is_silent:
            return []
        found: list[Fields] = []
        end = time.monotonic() + 10.0
        while len(found) < len(Source) + 1:
            assert time.monotonic() < end, found
            await asyncio.sleep(0.05)
            rows = await self.scene.vendor.webhooks(self.patient_id)
            found = [row["body"] for row in rows if row["type"].startswith("network-query.")]
        await self.scene.vendor.mode(loss="none")
        self._is_silent = False
        return found


def _named(told: Told) -> tuple[str, Fields]:
    return told.type.removeprefix("ias.event."), told.content


def _has(content: Fields, wanted: Fields) -> bool:
    return all(content.get(key) == wanted[key] for key in wanted)
