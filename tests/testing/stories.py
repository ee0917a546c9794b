"""Stories that the double and the real service are told alike, and what they told, made comparable.

A story is written once, on a ``Stage``. Every field of every event, link and state of a record request is
compared, in order: ids by where they appear first, times and URLs by being there, the rest as it is.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

Fields = dict[str, Any]
SOURCES: Final = {"hie": True, "pharmacy": True, "lab": True}
_NOBODYS: Final = "00000000-0000-4000-8000-000000000000"
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Stage(Protocol):
    """Where a story is told: one subject before one service."""

    patient_id: str

    @property
    def return_url(self) -> str:
        """Where the person comes back to; on the deployment's list."""

    @property
    def demographics(self) -> Fields:
        """Somebody whom Metriport does not know yet."""

    async def send(self, command: str, until: str, **fields: Any) -> str:
        """Send a command and wait for the event of this type that names it; the command's id.

        With ``commandId`` among the fields it goes out under that id.
        """

    async def told_of(self, event: str, command_id: str, **fields: Any) -> Fields:
        """Wait for an event of this type with these fields that names the command."""

    async def register(self) -> str:
        """Register somebody for individual access; the command's id."""

    async def prove(self, command_id: str) -> None:
        """The person opens the link to the command's verification and proves who they are."""

    async def answer(self, command_id: str) -> str:
        """The person opens the link to the command's challenge and answers; the one-time code."""

    async def keep_news_back(self) -> None:
        """From now on Metriport says nothing of its sources before ``finish``."""

    async def finish(self, command_id: str) -> None:
        """Metriport ends every source of the command's query, HIE after first data."""

    async def deliver(self, command_id: str) -> None:
        """Metriport delivers the record that the command asked for."""


Story = Callable[[Stage], Awaitable[None]]


async def from_registration_to_the_record(stage: Stage) -> None:
    """Everything goes well."""
    await _ready(stage)
    await stage.finish(await _query(stage, "NetworkQueryStarted"))
    record = await stage.send("StartConsolidatedQuery", "", patientId=stage.patient_id)
    await stage.deliver(record)


async def everything_too_early(stage: Stage) -> None:
    """Each step before the one it needs, ids used twice, and a code that nobody was given."""
    stage.patient_id = "nobody"
    await _query(stage, "NetworkQueryRefused")
    first = await stage.register()
    about = {"patientId": stage.patient_id}
    url = stage.return_url
    await stage.send("StartAal2Challenge", "Aal2ChallengeFailed", **about, returnUrl=url)
    await stage.send("StartConsolidatedQuery", "ConsolidatedDataFailed", **about)
    crossed = about | {"dateFrom": "2026-02-02", "dateTo": "2026-02-01"}
    await stage.send("StartConsolidatedQuery", "CommandRejected", **crossed)
    asked = crossed | {"sources": SOURCES, "returnUrl": url}
    await stage.send("RequestRecords", "CommandRejected", **asked)
    await _query(stage, "NetworkQueryRefused")
    await stage.send("StartIdentityVerification", "CommandRejected", **about, returnUrl=f"{url}/x")
    await stage.send("ConfirmReturn", "CommandRejected", code="x" * 16)
    await stage.send("ConfirmReturn", "CommandRejected", code="x" * 16, commandId=first)
    await stage.send("LinkPatient", "PatientRegistrationFailed", **about, purpose="treatment")


async def revoked_and_erased(stage: Stage) -> None:
    """A session that was confirmed, taken away with its identity; a hold; and the end of it all."""
    await _ready(stage)
    about = {"patientId": stage.patient_id, "returnUrl": stage.return_url}
    await stage.send("StartAal2Challenge", "UserActionRequired", **about)
    revocation = {"patientId": stage.patient_id, "reason": "lost phone"}
    await stage.send("RevokeIdentity", "IdentityRevoked", **revocation)
    await _query(stage, "NetworkQueryRefused")
    await stage.send("RevokeIdentity", "IdentityRevoked", **revocation)
    await stage.send("EraseSubject", "CommandRejected", legalHold=True)
    await stage.send("EraseSubject", "CommandRejected")
    await stage.send("EraseSubject", "SubjectErased", legalHold=False)
    await stage.register()


async def one_command_and_a_repeat(stage: Stage) -> None:
    """Demographics in, the record out; once more within the cool-down; and cancelled when it is over."""
    first = await _request(stage, demographics=stage.demographics)
    stage.patient_id = (await stage.told_of("PatientRegistered", first))["patientId"]
    await _waits(stage, first, "identity_verification")
    await stage.prove(first)
    await _waits(stage, first, "aal2_challenge")
    code = await stage.answer(first)
    await _waits(stage, first, "return_confirmation")
    await stage.keep_news_back()
    await stage.send("ConfirmReturn", "ReturnConfirmed", code=code)
    await _waits(stage, first, "sources")
    await stage.finish(first)
    await stage.deliver(first)
    await stage.told_of("RecordRequestFinished", first, result="ready")
    second = await _request(stage, patientId=stage.patient_id)
    await stage.deliver(second)
    ended = await stage.told_of("RecordRequestFinished", second, result="ready")
    await _cancel(stage, ended["requestId"], "RecordRequestFinished")


async def cancelled_while_the_person_is_asked(stage: Stage) -> None:
    """Two requests share the link to the proofing page; one is cancelled at it, one at the challenge."""
    first = await _request(stage, demographics=stage.demographics)
    stage.patient_id = (await stage.told_of("PatientRegistered", first))["patientId"]
    first_id = await _waits(stage, first, "identity_verification")
    second = await _request(stage, patientId=stage.patient_id)
    second_id = await _waits(stage, second, "identity_verification")
    await _cancel(stage, first_id, "RecordRequestFinished")
    await stage.prove(second)
    await _waits(stage, second, "aal2_challenge")
    await _cancel(stage, second_id, "RecordRequestFinished")
    await _cancel(stage, second_id, "RecordRequestFinished")
    await _cancel(stage, _NOBODYS, "CommandRejected")


async def _request(stage: Stage, **fields: Any) -> str:
    """RequestRecords, until it is taken on."""
    asked = {"sources": SOURCES, "returnUrl": stage.return_url, **fields}
    return await stage.send("RequestRecords", "RecordRequestUpdated", **asked)


async def _waits(stage: Stage, command_id: str, waiting_for: str) -> str:
    """Wait until the command's request waits for that; the request's id."""
    told = await stage.told_of("RecordRequestUpdated", command_id, waitingFor=waiting_for)
    return str(told["requestId"])


async def _cancel(stage: Stage, request_id: str, until: str) -> None:
    await stage.send("CancelRecordRequest", until, requestId=request_id)


async def _ready(stage: Stage) -> None:
    await stage.register()
    about = {"patientId": stage.patient_id, "returnUrl": stage.return_url}
    await stage.prove(await stage.send("StartIdentityVerification", "UserActionRequired", **about))
    code = await stage.answer(await stage.send("StartAal2Challenge", "UserActionRequired", **about))
    await stage.send("ConfirmReturn", "ReturnConfirmed", code=code)


async def _query(stage: Stage, until: str) -> str:
    asked = {"patientId": stage.patient_id, "sources": SOURCES, "purposeOfUse": "ias"}
    return await stage.send("StartNetworkQuery", until, **asked)


STORIES: Final[tuple[Story, ...]] = (
    from_registration_to_the_record,
    everything_too_early,
    revoked_and_erased,
    one_command_and_a_repeat,
    cancelled_while_the_person_is_asked,
)


def comparable(subject_id: str, told: Sequence[tuple[str, Fields]]) -> list[tuple[str, Any]]:
    """Types and contents, with ids, times and URLs replaced by what can be compared of them."""
    names: dict[str, str] = {subject_id: "subject"}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(value[key]) for key in sorted(value)}
        if isinstance(value, list):
            return [plain(item) for item in value]
        if not isinstance(value, str):
            return value
        if _ID.fullmatch(value) or value == subject_id:
            return names.setdefault(value, f"id {len(names)}")
        if value.startswith("http"):
            return "url"
        return "time" if _TIME.fullmatch(value) else value

    return [(kind, plain(content)) for kind, content in told]
