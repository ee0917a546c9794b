"""A record request beside people who are slow, come back twice, or never (I2, I4)."""

from dataclasses import replace
from datetime import timedelta

from consumers.context import Context
from consumers.processor import Processor
from consumers.reading import Reader
from consumers.records.runner import RecordRunner
from schemas.ids import PatientId, SubjectId
from tests.support import people
from tests.support.settings import rules

from .story import NO_HIE, Story


async def test_it_waits_for_the_person_without_asking_twice(linked: Story) -> None:
    """I4: however often it is looked at."""
    request_id = await linked.ask()
    await linked.settle(5)
    assert len(await linked.bodies("UserActionRequired")) == 1
    assert len(await linked.bodies("RecordRequestUpdated")) == 1
    await linked.proves(await linked.link("identity_verification"))
    await linked.settle(5)
    assert [body["kind"] for body in await linked.bodies("UserActionRequired")] == [
        "identity_verification",
        "aal2_challenge",
    ]
    assert (await linked.state(request_id))["waitingFor"] == "aal2_challenge"


async def test_the_challenge_is_not_asked_for_while_the_patients_slot_is_taken(
    linked: Story,
) -> None:
    """Another subject's query holds it; the session would be old by the time it is free."""
    victor = await people.person(linked.database, "victor", linked.patient)
    linked.vendor.knows(victor)
    await people.due_query(linked.database, victor)
    await linked.gateway.settle()
    request_id = await linked.ask()
    await linked.proves(await linked.link("identity_verification"))
    assert (await linked.state(request_id))["waitingFor"] == "hie_slot"
    assert len(await linked.bodies("UserActionRequired")) == 1
    await people.sql(linked.database, "update network_query set hie_slot = false")
    await linked.shift(request_id, wake_at=timedelta(minutes=1))
    await linked.settle()
    assert (await linked.state(request_id))["waitingFor"] == "aal2_challenge"


async def test_a_request_without_hie_does_not_wait_for_the_slot(linked: Story) -> None:
    victor = await people.person(linked.database, "victor", linked.patient)
    linked.vendor.knows(victor)
    await people.due_query(linked.database, victor)
    await linked.gateway.settle()
    request_id = await linked.ask(NO_HIE)
    await linked.proves(await linked.link("identity_verification"))
    assert (await linked.state(request_id))["waitingFor"] == "aal2_challenge"


async def test_nothing_is_sent_before_the_application_has_vouched_for_the_return(
    linked: Story,
) -> None:
    """I2: the session of a browser that anybody could have used."""
    request_id = await linked.ask()
    await linked.proves(await linked.link("identity_verification"))
    code = await linked.comes_back(await linked.link("aal2_challenge"))
    assert (await linked.state(request_id))["waitingFor"] == "return_confirmation"
    assert linked.calls() == 0
    await linked.confirm(code)
    assert linked.calls() == 1


async def test_a_code_that_nobody_confirmed_leads_to_another_challenge_and_not_for_ever(
    linked: Story,
) -> None:
    """I4: three times, then it ends with what is missing."""
    await linked.ask()
    await linked.proves(await linked.link("identity_verification"))
    for _ in range(3):
        await linked.comes_back(await linked.link("aal2_challenge"))
        await people.sql(
            linked.database, "update aal2_session set returned_at = returned_at - interval '1 hour'"
        )
        await linked.sweeper.round()
        await linked.settle()
    asked = [body["kind"] for body in await linked.bodies("UserActionRequired")]
    assert asked == ["identity_verification", *["aal2_challenge"] * 3]
    finished = await linked.finished()
    assert (finished["result"], finished["reason"]) == ("failed", "session_required")


async def test_a_session_that_was_too_old_when_its_turn_came_leads_to_a_fresh_challenge(
    linked: Story,
) -> None:
    """I2: nothing is sent with it, and the second query goes out with the fresh one."""
    await linked.ask()
    await linked.proves(await linked.link("identity_verification"))
    code = await linked.comes_back(await linked.link("aal2_challenge"))
    linked.is_paused = True
    await linked.confirm(code)
    await people.sql(
        linked.database, "update aal2_session set returned_at = returned_at - interval '1 hour'"
    )
    linked.is_paused = False
    await linked.settle()
    assert linked.calls() == 0
    assert [body["reason"] for body in await linked.bodies("NetworkQueryRefused")] == [
        "session_required"
    ]
    assert (await linked.steps())[-1] == ("aal2_challenge", "aal2_challenge")
    await linked.confirm(await linked.comes_back(await linked.link("aal2_challenge")))
    assert linked.calls() == 1
    assert (await linked.steps())[-1] == ("network_query", "sources")


async def test_a_session_that_metriport_refuses_is_waited_for_and_shown(linked: Story) -> None:
    """The query itself asks for the fresh one, and goes on with it."""
    request_id = await linked.ask()
    await linked.proves(await linked.link("identity_verification"))
    code = await linked.comes_back(await linked.link("aal2_challenge"))
    for session in linked.vendor.sandbox.state.aal2_sessions.values():
        session.status = "expired"
    await linked.confirm(code)
    assert (await linked.state(request_id))["waitingFor"] == "aal2_challenge"
    asked = await linked.bodies("UserActionRequired")
    assert [body["kind"] for body in asked][1:] == ["aal2_challenge", "aal2_challenge"]
    await linked.confirm(await linked.comes_back(await linked.link("aal2_challenge")))
    assert (await linked.state(request_id))["waitingFor"] == "sources"
    assert linked.calls() == 2


async def test_a_session_that_metriport_refuses_to_two_requests_leads_to_one_fresh_link(
    linked: Story,
) -> None:
    """Its first query asked the person; the other request names that link, and makes none of its own."""
    await linked.ask()
    await linked.ask(NO_HIE)
    await linked.proves(await linked.link("identity_verification"))
    code = await linked.comes_back(await linked.link("aal2_challenge"))
    for session in linked.vendor.sandbox.state.aal2_sessions.values():
        session.status = "expired"
    await linked.confirm(code)
    assert await people.count(linked.database, "aal2_challenge") == 2
    await linked.confirm(await linked.comes_back(await linked.link("aal2_challenge")))
    assert (await linked.steps())[-2:] == [("network_query", "sources")] * 2


async def test_an_identity_that_is_for_two_people_ends_the_request(linked: Story) -> None:
    """I2: an operator must look; nothing is told of the sources any more (I9)."""
    await linked.proofed_with_session()
    async with linked.database.transaction() as unit:
        pending = await people.verifying(unit, SubjectId("victor"), PatientId(linked.patient))
    await linked.proves(str(pending.verification_id))
    finished = await linked.finished()
    assert (finished["result"], finished["reason"]) == ("failed", "identity_conflict")
    assert "sources" not in finished


async def test_without_reuse_of_sessions_each_request_has_its_own(
    linked: Story, context: Context, reader: Reader
) -> None:
    """AAL2_SESSION_REUSE=false: the second request's query waits for a challenge of its own."""
    strict = replace(context, rules=rules(session_reuse=False))
    linked.runner = RecordRunner(linked.database, strict)
    linked.process = Processor(linked.database, reader, strict)
    await linked.proofed_with_session()
    second = await linked.ask(NO_HIE)
    assert (await linked.state(second))["waitingFor"] == "aal2_challenge"
