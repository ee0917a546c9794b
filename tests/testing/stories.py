"""Stories that the double and the real service are told alike, and what they told, made comparable.

A story is written once, on a ``Stage``. Every field of every event and link is compared, in order: ids by
where they appear first, times and URLs by being there, the rest as it is.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

Fields = dict[str, Any]
SOURCES: Final = {"hie": True, "pharmacy": True, "lab": True}
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Stage(Protocol):
    """Where a story is told: one subject before one service."""

    patient_id: str

    @property
    def return_url(self) -> str:
        """Where the person comes back to; on the deployment's list."""

    async def send(self, command: str, until: str, **fields: Any) -> str:
        """Send a command and wait for the event of this type that names it; the command's id.

        With ``commandId`` among the fields it goes out under that id.
        """

    async def register(self) -> str:
        """Register somebody for individual access; the command's id."""

    async def prove(self) -> None:
        """The person opens the link to the verification and proves who they are."""

    async def answer(self) -> str:
        """The person opens the link to the challenge and answers; the one-time code."""

    async def finish(self) -> None:
        """Metriport ends every source of the query, HIE after first data."""

    async def deliver(self) -> None:
        """Metriport delivers the record."""


Story = Callable[[Stage], Awaitable[None]]


async def from_registration_to_the_record(stage: Stage) -> None:
    """Everything goes well."""
    await _ready(stage)
    await _query(stage, "NetworkQueryStarted")
    await stage.finish()
    await stage.send("StartConsolidatedQuery", "", patientId=stage.patient_id)
    await stage.deliver()


async def everything_too_early(stage: Stage) -> None:
    """Each step before the one it needs, ids used twice, and a code that nobody was given."""
    stage.patient_id = "nobody"
    await _query(stage, "NetworkQueryRefused")
    first = await stage.register()
    about = {"patientId": stage.patient_id}
    url = stage.return_url
    await stage.send("StartAal2Challenge", "Aal2ChallengeFailed", **about, returnUrl=url)
    await stage.send("StartConsolidatedQuery", "ConsolidatedDataFailed", **about)
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


async def _ready(stage: Stage) -> None:
    await stage.register()
    about = {"patientId": stage.patient_id, "returnUrl": stage.return_url}
    await stage.send("StartIdentityVerification", "UserActionRequired", **about)
    await stage.prove()
    await stage.send("StartAal2Challenge", "UserActionRequired", **about)
    code = await stage.answer()
    await stage.send("ConfirmReturn", "ReturnConfirmed", code=code)


async def _query(stage: Stage, until: str) -> None:
    asked = {"patientId": stage.patient_id, "sources": SOURCES, "purposeOfUse": "ias"}
    await stage.send("StartNetworkQuery", until, **asked)


STORIES: Final[tuple[Story, ...]] = (
    from_registration_to_the_record,
    everything_too_early,
    revoked_and_erased,
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
