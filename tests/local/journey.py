"""One person's complete retrieval: by one command, or by one for each of the four steps of the IAS guide."""

import asyncio
import gzip
import json
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.local.application import Application
from tests.local.person import Person

JANE: dict[str, Any] = {
    "firstName": "Jane",
    "lastName": "Smith",
    "dob": "1996-02-10",
    "genderAtBirth": "F",
    "address": [
        {"addressLine1": "123 Arsenal St", "city": "Phoenix", "state": "AZ", "zip": "85300"}
    ],
    "contact": [{"phone": "6025550134", "email": "jane.smith@example.com"}],
}
"""A persona of Metriport's sandbox (Metriport docs, Sandbox): synthetic, documented by the vendor."""

SOURCES = {"hie": True, "pharmacy": True, "lab": True}


class Browser(Protocol):
    """Whoever takes the hosted steps: a walking double, or a human."""

    async def prove_identity(self, link: str) -> object:
        """Walk the proofing page."""

    async def answer_challenge(self, link: str) -> object:
        """Walk the challenge page."""


@dataclass
class Journey:
    """Drives the application's side; ``times`` sends every command so often."""

    application: Application
    browser: Browser
    subject_id: str
    times: int = 1
    patience: float = 30.0
    demographics: Mapping[str, Any] = field(default_factory=lambda: JANE)

    async def register(self, purpose: str = "ias") -> str:
        """Step 1; the patient's id."""
        await self.send(
            "RegisterPatient",
            purpose=purpose,
            demographics=self.demographics,
            externalId=f"member-{self.subject_id}",
        )
        registered = await self.application.event("PatientRegistered", subjectId=self.subject_id)
        return str(registered["patientId"])

    async def verify_identity(self, patient_id: str) -> None:
        """Step 2: the person proves who they are."""
        command = await self.send(
            "StartIdentityVerification",
            patientId=patient_id,
            returnUrl=self.application.return_url,
        )
        link = await self.step_link(command)
        await self.browser.prove_identity(link["url"])
        await self.application.event(
            "IdentityVerified", within=self.patience, linkId=link["linkId"]
        )

    async def answer_challenge(self, patient_id: str) -> None:
        """Step 3: the person answers a challenge, the application confirms the return."""
        await self.confirm(await self.come_back(patient_id))

    async def come_back(self, patient_id: str) -> dict[str, str]:
        """The first half of step 3: what the browser brought back, not confirmed yet."""
        link = await self.ask_challenge(patient_id)
        await self.browser.answer_challenge(link["url"])
        await self.application.event(
            "Aal2SessionReceived", within=self.patience, linkId=link["linkId"]
        )
        return await self.application.returned(link["linkId"])

    async def ask_challenge(self, patient_id: str) -> dict[str, Any]:
        """A link to a challenge."""
        command = await self.send(
            "StartAal2Challenge",
            patientId=patient_id,
            returnUrl=self.application.return_url,
        )
        return await self.step_link(command)

    async def confirm(self, back: Mapping[str, str]) -> None:
        """The second half of step 3: the application vouches for its logged-in user."""
        await self.send("ConfirmReturn", code=back["code"])
        await self.application.event("ReturnConfirmed", linkId=back["reference"])

    async def query(self, patient_id: str, purpose: str | None = "ias") -> dict[str, Any]:
        """Step 4: the network query, to its end."""
        asked = {} if purpose is None else {"purposeOfUse": purpose}
        command = await self.send(
            "StartNetworkQuery", patientId=patient_id, sources=SOURCES, **asked
        )
        return await self.application.event("NetworkQueryFinished", commandId=command)

    async def request_records(self, **more: Any) -> str:
        """The one command that runs the whole flow; its id. Of a known patient, if ``more`` names one."""
        asked = more if "patientId" in more else {"demographics": self.demographics, **more}
        return await self.send(
            "RequestRecords", sources=SOURCES, returnUrl=self.application.return_url, **asked
        )

    async def take_identity_step(self, command: str) -> None:
        """The person is asked to prove who they are, and does."""
        link = await self.step_link(command, kind="identity_verification")
        await self.browser.prove_identity(link["url"])
        await self.application.event(
            "RecordRequestUpdated",
            within=self.patience,
            commandId=command,
            step="aal2_challenge",
        )

    async def take_challenge_step(self, command: str) -> None:
        """The person is asked for a challenge, answers it, and the application vouches for them."""
        link = await self.step_link(command, kind="aal2_challenge")
        await self.browser.answer_challenge(link["url"])
        await self.confirm(await self.application.returned(link["linkId"], within=self.patience))

    async def records(self, command: str) -> dict[str, Any]:
        """The record, once the request is ready."""
        finished = await self.application.event("RecordRequestFinished", commandId=command)
        if finished["result"] != "ready":
            raise AssertionError(f"the request ended as {finished['result']}")
        return await self.download(finished["linkId"])

    async def fetch_record(self, patient_id: str) -> dict[str, Any]:
        """The consolidated record as a FHIR bundle."""
        command = await self.send("StartConsolidatedQuery", patientId=patient_id)
        ready = await self.application.event("ConsolidatedDataReady", commandId=command)
        return await self.download(ready["linkId"])

    async def download(self, link_id: str) -> dict[str, Any]:
        """The FHIR bundle behind a data link."""
        link = await self.application.link(link_id)
        async with Person() as downloader:
            raw = await downloader.download(link["url"])
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        bundle: dict[str, Any] = json.loads(raw)
        return bundle

    async def complete(self) -> dict[str, Any]:
        """All four steps; the person's record."""
        patient_id = await self.register()
        await self.verify_identity(patient_id)
        await self.answer_challenge(patient_id)
        await self.query(patient_id)
        return await self.fetch_record(patient_id)

    async def send(self, command: str, **content: Any) -> str:
        """Send a command of this subject; its id."""
        fields = {"commandId": str(uuid.uuid4()), "subjectId": self.subject_id, **content}
        return await self.application.send(command, fields, times=self.times)

    async def step_link(self, command_id: str, **fields: Any) -> dict[str, Any]:
        """The link to the hosted step that the command led to."""
        asked = await self.application.event("UserActionRequired", commandId=command_id, **fields)
        return await self.application.link(asked["linkId"])


def resource_types(bundle: dict[str, Any]) -> Counter[str]:
    """How many resources of which types the bundle holds."""
    return Counter(entry["resource"]["resourceType"] for entry in bundle["entry"])


async def settle(seconds: float = 0.3) -> None:
    """Let what is under way arrive, for tests that something does *not* happen."""
    await asyncio.sleep(seconds)
