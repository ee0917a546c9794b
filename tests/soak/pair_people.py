"""Who there is in a case, and what lies around for anybody to take."""

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from schemas.base import Command
from schemas.ids import CommandId, PatientId, SubjectId
from tests.soak.pair_browser import Browser, Code
from tests.soak.pair_ear import Ear, Mail, Told
from tests.soak.pair_house import House
from tests.soak.pair_truth import Truth
from tests.support import records


@dataclass
class Place:
    """Where everybody lives."""

    house: House
    truth: Truth
    ear: Ear
    mail: Mail


@dataclass
class Scene:
    """One case: who there is, and what lies around. ``seen``: sessions that somebody presented before."""

    place: Place
    draw: random.Random
    people: list["Player"] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


@dataclass
class Player:
    """One person, their browser and their authenticator."""

    scene: Scene
    who: SubjectId
    patient_id: PatientId
    browser: Browser
    authenticators: list[str] = field(default_factory=list)
    identity: str = ""
    """The one that this person began with."""

    has_proved: bool = False
    has_returned: bool = False
    awaited: int = 0
    """So many times this person's application is to hear that they are verified."""

    queries: int = 0

    @property
    def place(self) -> Place:
        """The scene's."""
        return self.scene.place

    @property
    def draw(self) -> random.Random:
        """The scene's."""
        return self.scene.draw

    def told(self, *kinds: str) -> list[Told]:
        """What this person's application heard of these kinds."""
        return [one for one in self.place.ear.told[self.who] if one.kind in kinds]

    async def send(self, kind: type[Command], **fields: Any) -> CommandId:
        """A command, until it is handled; sometimes by two consumers at once."""
        command_id = CommandId(UUID(int=self.draw.getrandbits(128), version=4))
        self.place.truth.asked[command_id] = self.who
        record = records.command(kind(command_id=command_id, subject_id=self.who, **fields))
        await self.place.house.take(record, self.who, twice=self.draw.random() < 1 / 6)
        return command_id

    async def ask(self, kind: type[Command], **fields: Any) -> Told:
        """A command about the own patient, and its answer."""
        command_id = await self.send(kind, patient_id=self.patient_id, **fields)
        return await self.place.ear.answer(command_id)

    async def page_of(self, asked: Told) -> str | None:
        """The hosted page of a step that was asked for."""
        if asked.kind != "UserActionRequired":
            return None
        url = await self.browser.open(self.place.ear.links[asked.body["linkId"]])
        if url is not None:
            self.place.truth.opened[url] = self.who
        return url
