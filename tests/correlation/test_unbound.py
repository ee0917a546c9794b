"""Identities that fitted nobody when they came, and what later knowledge makes of them (I2, I6)."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from consumers.context import Context
from consumers.processor import Processor
from consumers.rebinding import Rebinder
from schemas.events import StepKind
from schemas.ids import LinkId, OpenId, PatientId, SubjectId
from service.ias.identity import Verification
from service.store import hosted_pages
from service.store.hosted_pages import HostedPage
from service.store.pool import Database
from tests.support import people, records
from tests.support.outbox import kinds, only

from .conftest import PATIENT

VENDOR_SESSION = "ids_0199b0c9a1b27c33"
"""As in the recorded webhook."""


@pytest.fixture
def rebinder(database: Database, context: Context) -> Rebinder:
    return Rebinder(database, context)


@pytest.fixture
async def both(database: Database) -> tuple[Verification, Verification]:
    """Two subjects of one patient, both asked to prove who they are: nothing else tells them apart."""
    async with database.transaction() as unit:
        return (
            await people.verifying(unit, SubjectId("jane"), PatientId(PATIENT)),
            await people.verifying(unit, SubjectId("victor"), PatientId(PATIENT)),
        )


def _without_metadata() -> Any:
    body = records.sample("ias.identity.verified.variant-a-payload")
    body["meta"].pop("data", None)
    return body


async def _open_page(database: Database, verification: Verification) -> OpenId:
    """A click whose call to the vendor has not been answered."""
    open_id = OpenId(uuid4())
    async with database.transaction() as unit:
        page = HostedPage(
            open_id,
            LinkId(verification.verification_id),
            StepKind.IDENTITY_VERIFICATION,
            verification.subject_id,
            "waiting",
        )
        await hosted_pages.open_page(unit, page)
    return open_id


async def _answer(database: Database, open_id: OpenId, vendor_session: str) -> None:
    async with database.transaction() as unit:
        until = unit.now + timedelta(minutes=10)
        await hosted_pages.ready(unit, open_id, vendor_session, "sealed", until)


async def test_a_proof_before_the_answer_binds_when_the_answer_lands(
    database: Database,
    process: Processor,
    rebinder: Rebinder,
    both: tuple[Verification, Verification],
) -> None:
    """I2, I6: alarmed in between, and bound to the one whose page it was."""
    pages = [await _open_page(database, one) for one in both]
    await process(records.webhook(_without_metadata()))
    assert await kinds(database) == ["IdentityVerificationUnbound"]
    assert await rebinder.round() is False
    await _answer(database, pages[1], "ids_of_somebody_else")
    assert await rebinder.round() is False
    await _answer(database, pages[0], VENDOR_SESSION)
    assert [await rebinder.round() for _ in range(2)] == [True, False]
    event = await only(database, "IdentityVerified")
    assert (event["subjectId"], event["linkId"]) == ("jane", str(both[0].verification_id))
    row = await people.row(database, "identity")
    assert (row["subject_id"], row["state"]) == ("jane", "active")
    assert await people.count(database, "unbound_identity") == 0


async def test_on_disagreement_nothing_is_bound_and_it_is_not_looked_at_for_ever(
    database: Database,
    process: Processor,
    rebinder: Rebinder,
    both: tuple[Verification, Verification],
) -> None:
    """I2: the session says Victor's page, the metadata said Jane."""
    body = _without_metadata()
    body["meta"]["data"] = {"iasVerificationId": str(both[0].verification_id)}
    body["payload"]["patientId"] = "another"
    page = await _open_page(database, both[1])
    await process(records.webhook(body))
    await _answer(database, page, VENDOR_SESSION)
    assert [await rebinder.round() for _ in range(2)] == [True, False]
    assert await people.count(database, "identity") == 0
    assert await people.count(database, "unbound_identity") == 1
    assert await kinds(database) == ["IdentityVerificationUnbound"]


async def test_an_identity_that_another_holds_by_then_stops_both(
    database: Database,
    process: Processor,
    rebinder: Rebinder,
    both: tuple[Verification, Verification],
) -> None:
    """I2: it stays sealed for an operator."""
    page = await _open_page(database, both[0])
    body = _without_metadata()
    await process(records.webhook(body))
    async with database.transaction() as unit:
        proofed = body["payload"]["proofedIdentityId"]
        await people.prove(unit, both[1], proofed)
    await _answer(database, page, VENDOR_SESSION)
    assert [await rebinder.round() for _ in range(2)] == [True, False]
    assert (await people.row(database, "identity"))["state"] == "stopped"
    failed = await only(database, "IdentityVerificationFailed")
    assert (failed["subjectId"], failed["reason"]) == ("jane", "identity_conflict")
    assert await people.count(database, "unbound_identity", settled=True) == 1


async def test_several_replicas_bind_it_once(
    database: Database,
    process: Processor,
    context: Context,
    both: tuple[Verification, Verification],
) -> None:
    """I1."""
    page = await _open_page(database, both[0])
    await process(records.webhook(_without_metadata()))
    await _answer(database, page, VENDOR_SESSION)
    replicas = [Rebinder(database, context) for _ in range(3)]
    assert sum(await asyncio.gather(*(one.round() for one in replicas))) == 1
    assert await kinds(database) == ["IdentityVerificationUnbound", "IdentityVerified"]


async def test_a_page_of_another_kind_binds_nothing(
    database: Database,
    process: Processor,
    rebinder: Rebinder,
    both: tuple[Verification, Verification],
) -> None:
    """I2: the digest of a challenge is no digest of an identity session."""
    page = await _open_page(database, both[0])
    await process(records.webhook(_without_metadata()))
    await people.sql(database, "update hosted_page set kind = 'aal2_challenge'")
    await _answer(database, page, VENDOR_SESSION)
    assert await rebinder.round() is False
    assert await people.count(database, "identity") == 0


@pytest.mark.parametrize("broken", ["sealed", "rules"])
async def test_a_defect_leaves_the_identity_sealed_and_is_not_met_again(
    database: Database,
    process: Processor,
    rebinder: Rebinder,
    both: tuple[Verification, Verification],
    broken: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I6."""
    page = await _open_page(database, both[0])
    await process(records.webhook(_without_metadata()))
    await _answer(database, page, VENDOR_SESSION)
    if broken == "sealed":
        await people.sql(database, "update unbound_identity set message_id = 'another'")
    else:

        async def fails(*_: object) -> bool:
            raise ValueError

        monkeypatch.setattr("consumers.rebinding.match_again", fails)
    assert [await rebinder.round() for _ in range(2)] == [True, False]
    assert await people.count(database, "unbound_identity") == 1
    assert await people.count(database, "identity") == 0
