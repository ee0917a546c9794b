"""Metriport refuses a session: the person is asked once, and the query goes on by itself (I2, I3, I4)."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from consumers.commands import confirm_return
from consumers.context import Context
from consumers.expiring import end_query
from schemas.commands import ConfirmReturn
from schemas.ids import ChallengeId, CommandId, RequestId
from schemas.sources import Source
from schemas.topics import Topic
from service.crypto.sealing import Opener, Sealer
from service.ias.aal2 import SessionState
from service.store import sessions, subjects
from service.store.pool import Database
from tests.support import people
from tests.support.outbox import bodies, kinds, only, told
from tests.support.people import Person
from tests.support.settings import (
    RETURN_URL,
    SEALING_PRIVATE_KEY,
    SEALING_PUBLIC_KEY,
    rules,
    web,
)

from .conftest import Gateway, Start, Vendor, state_of

QUERY = "start-network-query"


def _kill(vendor: Vendor, secret: str) -> None:
    vendor.sandbox.state.aal2_sessions[secret].status = "expired"


async def _refused(
    database: Database,
    gateway: Gateway,
    vendor: Vendor,
    who: Person,
    sources: Iterable[Source] = (Source.HIE,),
) -> RequestId:
    """A query whose session Metriport refused."""
    query_id = await people.due_query(database, who, sources)
    _kill(vendor, who.session_secret)
    await gateway.settle()
    return query_id


async def _comes_back(
    database: Database, vendor: Vendor, who: Person, challenge_id: UUID, *, reuse: bool = True
) -> str:
    """The person answers the challenge and the application confirms; the new session's secret."""
    fresh = replace(who, session_secret=f"aal2_{uuid4().hex}")
    vendor.knows(fresh)
    context = Context(
        rules=rules(session_reuse=reuse),
        web=web(),
        sealer=Sealer(SEALING_PUBLIC_KEY),
        opener=Opener((SEALING_PRIVATE_KEY,)),
    )
    confirm = ConfirmReturn(
        command_id=CommandId(uuid4()), subject_id=who.subject_id, code=str(uuid4())
    )
    async with database.transaction() as unit:
        await subjects.lock(unit, who.subject_id)
        pending = await sessions.challenge(unit, ChallengeId(challenge_id))
        assert pending is not None
        await people.come_back(unit, pending, fresh.session_secret, confirm.code)
        await confirm_return.handle(unit, context, confirm)
    return fresh.session_secret


async def _asked(database: Database) -> UUID:
    return UUID((await only(database, "UserActionRequired"))["linkId"])


async def test_the_query_waits_and_the_person_is_asked_as_long_as_it_does(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    query_id = await _refused(database, gateway, vendor, jane)
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["hie_slot"]) == ("waiting", False)
    assert (await people.row(database, "aal2_session"))["state"] == "refused"
    event = await only(database, "UserActionRequired")
    assert event["kind"] == "aal2_challenge"
    assert event["requestId"] == str(query_id)
    assert event["commandId"] == str(row["command_id"])
    (link,) = await told(database, Topic.LINKS)
    assert link.body["linkId"] == event["linkId"]
    assert link.body["expiresAt"] == event["expiresAt"]
    asked = await people.row(database, "aal2_challenge", challenge_id=event["linkId"])
    assert asked["expires_at"] == row["deadline"]
    assert asked["return_url"] == RETURN_URL
    await gateway.settle(2)
    assert len(vendor.calls(QUERY)) == 1, "a refused session is not presented again"
    assert await kinds(database) == ["UserActionRequired"]


async def test_it_goes_on_by_itself_with_the_fresh_session(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    query_id = await _refused(database, gateway, vendor, jane)
    secret = await _comes_back(database, vendor, jane, await _asked(database))
    await gateway.settle()
    assert await state_of(database, query_id) == "started"
    carried = [call.headers["x-aal2-session"] for call in vendor.calls(QUERY)]
    assert carried == [jane.session_secret, secret]
    assert len(vendor.sandbox.state.network_queries) == 1


async def test_a_second_refusal_ends_it_with_its_reason(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    query_id = await _refused(database, gateway, vendor, jane)
    _kill(vendor, await _comes_back(database, vendor, jane, await _asked(database)))
    await gateway.settle(2)
    assert (await only(database, "NetworkQueryRefused"))["reason"] == "session_refused_twice"
    assert await state_of(database, query_id) == "refused"
    assert len(await bodies(database, "UserActionRequired")) == 1
    assert len(vendor.calls(QUERY)) == 2


@pytest.mark.parametrize("at_once", [True, False])
async def test_all_queries_of_a_dead_session_wait_for_one_challenge_and_go_on(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person, *, at_once: bool
) -> None:
    """Two are refused together, or one has not been sent yet when the other is refused."""
    first = await people.due_query(database, jane, (Source.LAB,)) if at_once else None
    second = await _refused(database, gateway, vendor, jane)
    if first is None:
        first = await people.due_query(database, jane, (Source.LAB,))
        await gateway.settle()
    both = (first, second)
    assert [await state_of(database, one) for one in both] == ["waiting", "waiting"]
    assert len(vendor.calls(QUERY)) == 1 + at_once
    asked = await bodies(database, "UserActionRequired")
    assert {event["requestId"] for event in asked} == {str(one) for one in both}
    assert len({event["linkId"] for event in asked}) == 1
    await _comes_back(database, vendor, jane, UUID(asked[0]["linkId"]))
    await gateway.settle(2)
    assert [await state_of(database, one) for one in both] == ["started", "started"]


async def test_where_sessions_serve_once_only_the_oldest_query_goes_on(
    database: Database, start: Start, vendor: Vendor, jane: Person
) -> None:
    gateway = await start(session_reuse=False)
    first = await _refused(database, gateway, vendor, jane)
    await people.sql(database, "update aal2_session set uses = 0, state = 'confirmed'")
    second = await people.due_query(database, jane, (Source.LAB,))
    await gateway.settle()
    asked = {event["requestId"]: event for event in await bodies(database, "UserActionRequired")}
    assert asked[str(first)]["linkId"] != asked[str(second)]["linkId"]
    link = UUID(asked[str(second)]["linkId"])
    await _comes_back(database, vendor, jane, link, reuse=False)
    assert await state_of(database, first) == "due"
    assert await state_of(database, second) == "waiting"


async def test_a_session_of_another_patient_of_the_subject_does_not_wake_it(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """I2."""
    query_id = await _refused(database, gateway, vendor, jane)
    other = await people.person(database, jane.subject_id, "patient-of-another")
    async with database.transaction() as unit:
        await subjects.lock(unit, other.subject_id)
        made = await people.challenge(unit, other.subject_id, other.patient_id, other.identity_id)
    await _comes_back(database, vendor, other, made.challenge_id)
    await gateway.settle()
    assert await state_of(database, query_id) == "waiting"
    assert len(vendor.calls(QUERY)) == 1


async def test_without_a_way_back_for_the_person_it_ends_at_once(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    """An older release asked for the challenge and kept no return URL; the application asks again."""
    await people.sql(database, "update aal2_challenge set return_url = null")
    query_id = await _refused(database, gateway, vendor, jane)
    assert (await only(database, "NetworkQueryRefused"))["reason"] == "session_refused"
    assert await state_of(database, query_id) == "refused"


async def test_a_query_whose_person_never_comes_ends_at_its_deadline(
    database: Database, gateway: Gateway, vendor: Vendor, jane: Person
) -> None:
    query_id = await _refused(database, gateway, vendor, jane)
    async with database.transaction() as unit:
        await subjects.lock(unit, jane.subject_id)
        assert await end_query(unit, query_id)
    assert (await only(database, "NetworkQueryRefused"))["reason"] == "deadline_passed"


@pytest.mark.parametrize("state", ["confirmed", "proven"])
async def test_a_confirmation_changes_no_query_that_waits_for_its_slot_alone(
    database: Database, vendor: Vendor, jane: Person, state: SessionState
) -> None:
    """Its own session is alive: it stays with the session it was begun with."""
    query_id = await people.due_query(database, jane)
    await people.sql(database, "update network_query set state = 'waiting'")
    await people.sql(database, f"update aal2_session set state = '{state}'")  # noqa: S608 - of two
    async with database.transaction() as unit:
        await subjects.lock(unit, jane.subject_id)
        made = await people.challenge(unit, jane.subject_id, jane.patient_id, jane.identity_id)
    await _comes_back(database, vendor, jane, made.challenge_id)
    row = await people.row(database, "network_query", query_id=query_id)
    assert (row["state"], row["session_id"]) == ("waiting", jane.session_id)
