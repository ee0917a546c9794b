"""What the application hears, and the webhooks that the vendor made and that nobody has delivered yet."""

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

from schemas.ids import CommandId, PatientId, SubjectId
from schemas.topics import Topic
from tests.metriport_sandbox import Sandbox
from tests.metriport_sandbox.sender import WebhookRow
from tests.soak.pair_truth import Truth

ANSWER_SECONDS: Final = 60.0


class Told(NamedTuple):
    """One event."""

    kind: str
    body: dict[str, Any]


@dataclass
class Ear:
    """All that is told, to whomever. Ids of the service's own are noted with the command that led to them."""

    truth: Truth
    links: dict[str, str] = field(default_factory=dict)
    told: defaultdict[SubjectId, list[Told]] = field(default_factory=lambda: defaultdict(list))
    _answers: dict[CommandId, asyncio.Future[Told]] = field(default_factory=dict)

    async def publish(self, topic: Topic, key: str, value: bytes | None, attributes: Any) -> None:
        """As the relay's publisher."""
        body = json.loads(value or b"{}")
        if topic is Topic.LINKS:
            self.links[body["linkId"]] = body["url"]
        if topic is Topic.EVENTS:
            self._hear(SubjectId(key), Told(attributes.type.rpartition(".")[2], body))

    async def answer(self, command_id: CommandId) -> Told:
        """The first event about a command."""
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._future(command_id)

    def _hear(self, who: SubjectId, told: Told) -> None:
        self.told[who].append(told)
        said = told.body.get("commandId")
        if said is None:
            return
        command_id = CommandId(UUID(said))
        for name in ("linkId", "requestId"):
            if name in told.body:
                self.truth.led_to.setdefault(told.body[name], command_id)
        if not self._future(command_id).done():
            self._future(command_id).set_result(told)

    def _future(self, command_id: CommandId) -> asyncio.Future[Told]:
        new: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        return self._answers.setdefault(command_id, new)


@dataclass
class Mail:
    """By patient; each may be delivered at any time, by whoever's turn it is, and again."""

    sandbox: Sandbox
    _seen: int = 0
    _of: defaultdict[PatientId, list[WebhookRow]] = field(default_factory=lambda: defaultdict(list))

    def of(self, patient_id: PatientId) -> list[WebhookRow]:
        """Oldest first."""
        rows = self.sandbox.sender.rows
        for row in rows[self._seen :]:
            self._of[row.fields["payload"]["patientId"]].append(row)
        self._seen = len(rows)
        return self._of[patient_id]
