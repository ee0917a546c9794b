"""One subject's record requests on a real database, with everybody else played by the test.

The application sends commands, the person proves and answers, the vendor is the double of
``tests/dispatch``, whose webhooks are made here. Nothing moves but by ``settle``.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from consumers.processor import Processor
from consumers.records.runner import RecordRunner
from consumers.sweeper import Sweeper
from schemas.callbacks import Aal2Returned
from schemas.commands import CancelRecordRequest, ConfirmReturn, RequestRecords
from schemas.demographics import Address, Demographics
from schemas.ids import ChallengeId, CommandId, OpenId, PatientId, RequestId, SubjectId
from schemas.sources import SourceSelection
from schemas.topics import Topic
from service.crypto.tokens import new_code
from service.store.pool import Database
from tests.dispatch.conftest import Gateway, Vendor, make_due
from tests.metriport_sandbox.state import Aal2Session, Identity
from tests.support import people, records
from tests.support.outbox import Told, told
from tests.support.settings import RETURN_URL

HIE = SourceSelection(hie=True)
NO_HIE = SourceSelection(pharmacy=True, lab=True)
ALL = SourceSelection(hie=True, pharmacy=True, lab=True)


@dataclass
class Story:
    """The cast, and what it can do."""

    database: Database
    process: Processor
    runner: RecordRunner
    sweeper: Sweeper
    gateway: Gateway
    vendor: Vendor
    subject: str = "jane"
    patient: str = "patient-j"
    is_paused: bool = False
    """Whether the gateway makes no calls for now."""
    proofed: str = field(default_factory=lambda: f"pid_{uuid4().hex}")

    async def settle(self, rounds: int = 3) -> None:
        """Let runner and gateway do what there is to do now."""
        for _ in range(rounds):
            await self.runner.round()
            if not self.is_paused:
                await make_due(self.database)
                await self.gateway.settle()
        await self.runner.round()

    async def send(
        self, sources: SourceSelection = HIE, *, patient: bool = True, **more: Any
    ) -> RequestRecords:
        """RequestRecords, for the patient, or with the demographics in ``more``."""
        command = RequestRecords(
            command_id=CommandId(uuid4()),
            subject_id=SubjectId(self.subject),
            sources=sources,
            patient_id=PatientId(self.patient) if patient else None,
            **{"return_url": RETURN_URL, **more},
        )
        await self.process(records.command(command))
        return command

    async def ask(self, sources: SourceSelection = HIE, **more: Any) -> str:
        """The same, and let it come as far as it can; its request id."""
        command = await self.send(sources, **more)
        await self.settle()
        return await self.request_of(command)

    async def request_of(self, command: RequestRecords) -> str:
        """The id of the request that a command made."""
        row = await people.row(self.database, "record_request", command_id=command.command_id)
        return str(row["request_id"])

    async def cancel(self, request_id: str, subject: str | None = None) -> CancelRecordRequest:
        """CancelRecordRequest."""
        command = CancelRecordRequest(
            command_id=CommandId(uuid4()),
            subject_id=SubjectId(subject or self.subject),
            request_id=RequestId(UUID(request_id)),
        )
        await self.process(records.command(command))
        return command

    async def proves(self, link_id: str) -> None:
        """The person proves who they are; the vendor knows them from now on."""
        state = self.vendor.sandbox.state
        state.identities[self.proofed] = Identity(
            id=self.proofed, patient_id=self.patient, totp_secret="S"
        )
        body = records.sample("ias.identity.verified.variant-a-payload")
        body["meta"] |= {"messageId": str(uuid4()), "data": {"iasVerificationId": link_id}}
        body["payload"] |= {"patientId": self.patient, "proofedIdentityId": self.proofed}
        await self.process(records.webhook(body))
        await self.settle()

    async def comes_back(self, link_id: str) -> str:
        """The person answers the challenge; the code that the browser brought back."""
        secret, (code, digest) = f"aal2_{uuid4().hex}", new_code()
        self.vendor.sandbox.state.aal2_sessions[secret] = Aal2Session(
            id=secret,
            identity_id=self.proofed,
            patient_id=self.patient,
            expires=self.vendor.sandbox.now() + 900,
        )
        returned = Aal2Returned(
            subject_id=SubjectId(self.subject),
            challenge_id=ChallengeId(UUID(link_id)),
            open_id=OpenId(uuid4()),
            aal2_session_id=secret,
            code_hash=digest,
            returned_at=datetime.now(UTC),
        )
        await self.process(records.callback(returned))
        await self.settle()
        return code

    async def confirm(self, code: str) -> None:
        """The application vouches for the person who came back."""
        command = ConfirmReturn(
            command_id=CommandId(uuid4()), subject_id=SubjectId(self.subject), code=code
        )
        await self.process(records.command(command))
        await self.settle()

    async def proofed_with_session(self, **more: Any) -> str:
        """A request whose person has done every step; its id."""
        request_id = await self.ask(**more)
        await self.proves(await self.link("identity_verification"))
        await self.confirm(await self.comes_back(await self.link("aal2_challenge")))
        return request_id

    async def link(self, kind: str, which: int = -1) -> str:
        """The link that the person was asked to open, the last one of its kind."""
        asked = [body for body in await self.bodies("UserActionRequired") if body["kind"] == kind]
        return str(asked[which]["linkId"])

    async def source(
        self, source: str, status: str = "completed", query: str | None = None
    ) -> None:
        """The vendor's webhook about a source of the newest query, or a named one."""
        name = "first-data-ready" if status == "early" else "completed"
        body = records.sample(f"network-query.hie.{name}")
        body["meta"] |= {
            "messageId": str(uuid4()),
            "requestId": query or await self.vendor_query(),
            "data": None,
        }
        if status != "early":
            body["meta"]["type"] = f"network-query.{source}"
            body["payload"]["source"] = {
                "type": source,
                "status": status,
                "completedAt": datetime.now(UTC).isoformat(),
            }
        body["payload"]["patientId"] = self.patient
        await self.process(records.webhook(body))
        await self.settle()

    async def vendor_query(self) -> str:
        """The vendor's id of the newest query."""
        async with self.database.connection() as connection:
            return str(
                await connection.fetchval(
                    "select vendor_request_id from network_query order by created_at desc limit 1"
                )
            )

    async def record(self, *, lives: bool = True, name: str = "completed") -> None:
        """The vendor delivers the newest consolidated query."""
        async with self.database.connection() as connection:
            request_id = await connection.fetchval(
                "select vendor_request_id from consolidated_query"
                " order by created_at desc, renewals desc limit 1"
            )
        body = records.sample(f"medical.consolidated-data.{name}")
        body["meta"] |= {"messageId": str(uuid4()), "requestId": request_id}
        body["patients"][0]["patientId"] = self.patient
        signed = datetime.now(UTC) - timedelta(minutes=0 if lives else 5)
        text = signed.strftime("%Y%m%dT%H%M%SZ")
        for entry in body["patients"][0].get("bundle", {}).get("entry", []):
            for content in entry["resource"]["content"]:
                attachment = content["attachment"]
                attachment["url"] = attachment["url"].replace("20260601T150500Z", text)
        self.vendor.sandbox.state.consolidated_queries.clear()  # what is asked for next is another
        await self.process(records.webhook(body))
        await self.settle()

    async def events(self) -> list[Told]:
        """What the subject was told, in order."""
        return [one for one in await told(self.database) if one.key == self.subject]

    async def kinds(self) -> list[str]:
        """The types of it."""
        return [one.kind for one in await self.events()]

    async def bodies(self, kind: str) -> list[dict[str, Any]]:
        """Contents of the events of one type."""
        return [one.body for one in await self.events() if one.kind == kind]

    async def steps(self) -> list[tuple[str, str]]:
        """Where the requests came to, as told: step, and what is waited for."""
        return [
            (body["step"], body["waitingFor"]) for body in await self.bodies("RecordRequestUpdated")
        ]

    async def finished(self) -> dict[str, Any]:
        """The one end that was told."""
        (body,) = await self.bodies("RecordRequestFinished")
        return body

    async def state(self, request_id: str) -> dict[str, Any]:
        """The latest state on the compacted topic."""
        states = await told(self.database, Topic.RECORD_REQUESTS)
        return [one.body for one in states if one.key == request_id][-1]

    async def shift(self, request_id: str, **earlier: timedelta) -> None:
        """Let times of a request be so much earlier."""
        for column, by in earlier.items():
            await people.sql(
                self.database,
                f"update record_request set {column} = {column} - $2::interval"  # noqa: S608 - names of the tests' own
                " where request_id = $1",
                UUID(request_id),
                by,
            )

    def calls(self, operation: str = "start-network-query") -> int:
        """How many calls of the operation reached the vendor."""
        return len(self.vendor.calls(operation))


JANE = Demographics(
    first_name="Jane",
    last_name="Smith",
    dob=date(1996, 2, 10),
    gender_at_birth="F",
    address=[Address(address_line1="123 Arsenal St", city="Phoenix", state="AZ", zip="85300")],
)
"""A persona of the vendor's sandbox."""
