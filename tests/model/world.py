"""One example: the product on one side, the model on the other, and steps that both take."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from consumers.processor import Processor
from consumers.rebinding import Rebinder
from consumers.sweeper import Sweeper
from consumers.unparking import Unparker
from schemas.base import Command, Message
from service.bus.received import Received
from service.gateway.claims import Claim as Call
from service.gateway.dispatcher import Dispatcher
from service.store.pool import Database
from tests.support import people, records

from .seeing import Told, Watcher
from .truth import Challenge, Query, Truth, Verification
from .vendor import Vendor

START = datetime(2026, 6, 1, tzinfo=UTC)


class Gateway(Dispatcher):
    """A dispatcher whose replica can die between the intent and the call."""

    dies = False

    def _spawn(self, claim: Call) -> None:
        if self.dies:
            self._room.release()
        else:
            super()._spawn(claim)


@dataclass(kw_only=True)
class Step:
    """A hosted step that one of the two was asked to take."""

    subject: str
    id: UUID
    kind: str


@dataclass(kw_only=True)
class World:
    """Everything of one example."""

    database: Database
    process: Processor
    gateway: Gateway
    sweeper: Sweeper
    unparker: Unparker
    rebinder: Rebinder
    truth: Truth
    vendor: Vendor
    watcher: Watcher
    subjects: tuple[str, str]
    patient: str
    time: int = 0
    seen: list[Received] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    asked: dict[UUID, Command] = field(default_factory=dict)
    consolidated: dict[str, list[UUID]] = field(default_factory=dict)
    last_told: list[Told] = field(default_factory=list)

    def tick(self) -> int:
        """A later second: no two things happen at once."""
        self.time += 1
        return self.time

    def moment(self) -> str:
        """The latest second as text."""
        return (START + timedelta(seconds=self.time)).isoformat()

    async def hear(self, record: Received, *, twice: bool = False) -> None:
        """The consumers get a record; ``twice``: and once more, at once or in the same batch."""
        self.seen.append(record)
        if twice and len(self.seen) % 2:
            done = await self.process.handle([record, records.moved(record)])
            assert done == 2
        else:
            await self.process(record)
        await self.look()
        if twice:
            await self.repeat([record])

    async def repeat(self, earlier: list[Received]) -> None:
        """I1: what was heard before changes no row, and tells nothing but answers given before."""
        before = await self.watcher.snapshot()
        again = [records.moved(record) for record in earlier]
        while again:
            again = again[await self.process.handle(again) :]
        assert await self.watcher.snapshot() == before, "I1: a repeat changed something"
        assert await self.watcher.look() == [], "I1: a repeat told something"

    async def command(self, command: Command, *, twice: bool = False) -> None:
        """A command of the application's, in the name of one of the two."""
        self.asked[command.command_id] = command
        await self.hear(records.command(command), twice=twice)

    async def browser(self, callback: Message, *, twice: bool = False) -> None:
        """Something that a browser did."""
        await self.hear(records.callback(callback), twice=twice)

    async def webhook(self, body: dict[str, Any], *, twice: bool = False) -> None:
        """Something that the vendor says."""
        await self.hear(records.webhook(body), twice=twice)

    async def look(self) -> None:
        """Read what was told, learn from it what only the product knows, and hold it to the model."""
        self.last_told = await self.watcher.look()
        for one in self.last_told:
            self._learn(one)
        self.watcher.check_entitlement(self.last_told)
        await self.watcher.check_identities()
        await self.watcher.check_confirmations()

    def _learn(self, one: Told) -> None:
        """Ids that the product made up, and whom they were given to."""
        match one.kind:
            case "PatientRegistered":
                self.truth.links.setdefault(one.key, one.body["purpose"])
            case "UserActionRequired":
                self._learn_step(one)
            case "NetworkQueryQueued":
                command = self.asked[UUID(one.body["commandId"])]
                assert command.subject_id == one.key
                purpose = str(getattr(command, "purpose_of_use", ""))
                assert self.truth.links.get(one.key) == purpose, "I9: purpose of a link"
                self.truth.queries[UUID(one.body["requestId"])] = Query(one.key, purpose)
            case "ConsolidatedDataReady" | "ConsolidatedDataFailed" if "requestId" in one.body:
                ids = self.consolidated.setdefault(one.key, [])
                ids.append(UUID(one.body["requestId"]))

    def _learn_step(self, one: Told) -> None:
        step = Step(subject=one.key, id=UUID(one.body["linkId"]), kind=one.body["kind"])
        self.steps.append(step)
        if step.kind == "identity_verification":
            self.truth.verifications[step.id] = Verification(one.key)
            return
        active = self.truth.active(one.key)
        assert active is not None, "I2: a challenge without an identity"
        self.truth.challenges[step.id] = Challenge(one.key, active)

    async def dispatch(self, plan: str) -> None:
        """One round of the gateway, its calls answered by plan; pacing is tested elsewhere."""
        self.vendor.plan = plan
        self.gateway.dies = plan == "dies"
        await people.sql(self.database, "update pacing_slot set usable_at = now()")
        await people.sql(
            self.database,
            "update vendor_call set due_at = now() where state = 'due' and subject_id = any($1)",
            list(self.subjects),
        )
        await self.gateway.round()
        await self.gateway.drain(10)
        if plan == "dies":
            await people.sql(
                self.database,
                "update vendor_call set lease_until = now() - interval '1 second'"
                " where state = 'dispatching'",
            )
        await self.look()

    async def settle(self) -> None:
        """Sweeper, parked webhooks and unbound identities, until nothing is left to do."""
        self.truth.sweep()
        await self.sweeper.round()
        await self.look()
        while await self.unparker.round():
            await self.look()
        while await self.rebinder.round():
            await self.look()

    def pick(self, things: list[Any], n: int) -> Any:
        """One of these, newest first; ``None`` when there is none."""
        return things[-1 - n % len(things)] if things else None

    def other(self, subject: str) -> str:
        """The other one."""
        return self.subjects[1 - self.subjects.index(subject)]

    def new_id(self) -> UUID:
        """For whatever needs an id."""
        return uuid4()
