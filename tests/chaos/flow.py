"""One person from registration to record, through the application, whatever breaks meanwhile."""

import itertools
import random
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from aiohttp import ClientError

from tests.chaos.box import Fields
from tests.chaos.desk import Desk
from tests.chaos.walker import LostError, Walker
from tests.local.journey import JANE, SOURCES

PATIENCE: Final = 240.0
"""Longer than every lifetime of the deployment, and what a fault may hold back the telling of its end."""

_TRIES: Final = 4
_days = itertools.count()
ASKED: Final = "UserActionRequired"
REJECTED: Final = "CommandRejected"
FINISHED: Final = "RecordRequestFinished"


class Kind(StrEnum):
    """What kind of person it is."""

    PLAIN = "plain"
    TWICE = "twice"
    """Every command is sent twice."""
    TREATMENT = "treatment"
    CANCELS = "cancels"
    """Presses cancel at both hosted pages, then goes on."""
    LEAVES = "leaves"
    """Never comes back from the challenge, which then expires."""
    RECORDS = "records"
    """One command gets the record; so with the two below."""
    RECORDS_TWICE = "records-twice"
    """Every command is sent twice."""
    RECORDS_CANCELLED = "records-cancelled"
    """Has the request cancelled when it is asked for a challenge."""


WEIGHTS: Final = {
    Kind.PLAIN: 9,
    Kind.TWICE: 4,
    Kind.TREATMENT: 3,
    Kind.CANCELS: 3,
    Kind.LEAVES: 1,
    Kind.RECORDS: 6,
    Kind.RECORDS_TWICE: 2,
    Kind.RECORDS_CANCELLED: 1,
}
TWICE: Final = frozenset({Kind.TWICE, Kind.RECORDS_TWICE})
BY_ONE_COMMAND: Final = frozenset({Kind.RECORDS, Kind.RECORDS_TWICE, Kind.RECORDS_CANCELLED})


class EndedEarlyError(Exception):
    """A command ended, but not well, and that is where this person's way ends. Nothing is broken."""


@dataclass
class Flow:
    """Walks the four steps, or has one command walk them; ``step`` is where it is."""

    desk: Desk
    walker: Walker
    kind: Kind
    subject_id: str
    step: str = "register"

    async def run(self) -> None:
        """Everything.

        Raises:
            EndedEarlyError: a step ended otherwise.
            StalledError: a step did not end.
        """
        if self.kind in BY_ONE_COMMAND:
            await self._by_one_command()
            return
        is_treatment = self.kind is Kind.TREATMENT
        purpose = "treatment" if is_treatment else "ias"
        registered = await self._ask(
            "RegisterPatient",
            ("PatientRegistered", "PatientRegistrationFailed"),
            purpose=purpose,
            demographics=somebody(),
            externalId=f"member-{self.subject_id}",
        )
        patient_id = registered["patientId"]
        if not is_treatment:
            await self._hosted("StartIdentityVerification", "IdentityVerified", patient_id)
            await self._hosted("StartAal2Challenge", "Aal2SessionReceived", patient_id)
        await self._query(patient_id, purpose)
        if not is_treatment:  # a record is for the person alone
            await self._record(patient_id)

    async def _ask(self, command: str, finals: Collection[str], **content: Any) -> Fields:
        """Send, wait for the end, and go on only if it is the first of ``finals``."""
        command_id = await self._send(command, **content)
        found = await self._final(command_id, finals)
        return self._good(found, next(iter(finals)))

    async def _send(self, command: str, **content: Any) -> str:
        self.step = command
        times = 2 if self.kind in TWICE else 1
        return await self.desk.send(self.subject_id, command, times=times, **content)

    async def _final(self, command_id: str, finals: Collection[str]) -> Fields:
        kinds = {*finals, REJECTED}
        return await self.desk.told(self.subject_id, kinds, within=PATIENCE, commandId=command_id)

    def _good(self, found: Fields, wanted: str) -> Fields:
        if found["_type"] != wanted:
            raise EndedEarlyError(f"{self.step}: {found['_type']}({found.get('reason')})")
        return found

    async def _hosted(self, command: str, good: str, patient_id: str) -> None:
        """A hosted step, started again when it expired because too much was broken."""
        for attempt in range(_TRIES):
            try:
                await self._hosted_once(command, good, patient_id)
            except EndedEarlyError:
                if attempt == _TRIES - 1 or self.kind is Kind.LEAVES:
                    raise
            else:
                return

    async def _hosted_once(self, command: str, good: str, patient_id: str) -> None:
        back = {"patientId": patient_id, "returnUrl": self.desk.return_url}
        command_id = await self._send(command, **back)
        is_challenge = command == "StartAal2Challenge"
        prefix = "Aal2Challenge" if is_challenge else "IdentityVerification"
        finals = (good, f"{prefix}Expired", f"{prefix}Failed")
        asked = await self._final(command_id, {ASKED, *finals})
        if asked["_type"] == ASKED:
            leaves = is_challenge and self.kind is Kind.LEAVES
            with suppress(LostError):  # the step then ends by its lifetime
                await self._walk(asked["linkId"], is_challenge=is_challenge, leaves=leaves)
        self._good(await self._final(command_id, finals), good)
        if is_challenge:
            await self._confirm(asked["linkId"])

    async def _walk(self, link_id: str, *, is_challenge: bool, leaves: bool = False) -> None:
        link = await self.desk.link(self.subject_id, link_id, within=PATIENCE)
        if self.kind is Kind.CANCELS or leaves:
            await self.walker.cancel(link["url"])
            if leaves:
                return
        if is_challenge:
            await self.walker.answer_challenge(link["url"])
        else:
            await self.walker.prove_identity(link["url"])

    async def _confirm(self, link_id: str) -> None:
        """The application vouches for its user, with the code that came back last."""
        box = self.desk.box(self.subject_id)
        back = await box.until(
            lambda: _with_code(box.returns.get(link_id)), 90.0, f"{self.subject_id}: no code"
        )
        await self._ask("ConfirmReturn", ("ReturnConfirmed",), code=back["code"])

    async def _query(self, patient_id: str, purpose: str) -> None:
        finals = ("NetworkQueryFinished", "NetworkQueryRefused", "NetworkQueryOutcomeUnknown")
        command_id = await self._send(
            "StartNetworkQuery", patientId=patient_id, sources=SOURCES, purposeOfUse=purpose
        )
        found = await self._final(command_id, {ASKED, *finals})
        if found["_type"] == ASKED:  # the session was refused: the person answers a fresh challenge
            with suppress(LostError):
                await self._walk(found["linkId"], is_challenge=True)
                await self._confirm(found["linkId"])
            found = await self._final(command_id, finals)
        self._good(found, finals[0])

    async def _record(self, patient_id: str) -> None:
        finals = ("ConsolidatedDataReady", "ConsolidatedDataFailed")
        await self._download(
            await self._ask("StartConsolidatedQuery", finals, patientId=patient_id)
        )

    async def _download(self, ready: Fields) -> None:
        if "linkId" not in ready:  # a record without data
            return
        link = await self.desk.link(self.subject_id, ready["linkId"], within=PATIENCE)
        with suppress(ClientError, TimeoutError, OSError):
            await self.walker.download(link["url"])

    async def _by_one_command(self) -> None:
        """RequestRecords: whatever it asks the person for is done, until it says how it ended."""
        asking = {"demographics": somebody(), "sources": SOURCES, "returnUrl": self.desk.return_url}
        command_id = await self._send("RequestRecords", **asking)
        done: set[str] = set()
        kinds = {ASKED, FINISHED, REJECTED}
        while True:
            asked = await self.desk.told(
                self.subject_id, kinds, within=PATIENCE, but=done, commandId=command_id
            )
            if asked["_type"] != ASKED:
                break
            done.add(asked["linkId"])
            await self._asked_for(asked)
        self.step = "RequestRecords"
        self._good(asked, FINISHED)
        if asked["result"] == "cancelled" and self.kind is Kind.RECORDS_CANCELLED:
            return
        if asked["result"] != "ready":
            raise EndedEarlyError(f"{self.step}: {asked['result']}({asked.get('reason')})")
        await self._download(asked)

    async def _asked_for(self, asked: Fields) -> None:
        """A step of a record request. One that comes to nothing ends by the request's deadline."""
        is_challenge = asked["kind"] == "aal2_challenge"
        if is_challenge and self.kind is Kind.RECORDS_CANCELLED:
            ends = (FINISHED,)
            await self._ask("CancelRecordRequest", ends, requestId=asked["requestId"])
            return
        for _ in range(_TRIES):
            with suppress(LostError):
                await self._walk(asked["linkId"], is_challenge=is_challenge)
                break
        back = self.desk.box(self.subject_id).returns.get(asked["linkId"])
        if is_challenge and _with_code(back):
            with suppress(EndedEarlyError):
                await self._confirm(asked["linkId"])


def _with_code(back: Fields | None) -> Fields | None:
    return back if back is not None and "code" in back else None


def somebody() -> Fields:
    """Demographics of somebody the vendor does not know: another date of birth never matches."""
    return JANE | {"dob": str(date(1900, 1, 1) + timedelta(days=next(_days)))}


def kinds(rng: random.Random) -> Kind:
    """The next person's kind."""
    return rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
