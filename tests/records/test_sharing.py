"""Several requests of one subject for one patient, and results that are fresh enough (I2, I9)."""

from uuid import uuid4

from schemas.ids import SubjectId
from schemas.sources import SourceSelection
from tests.support import people

from .story import ALL, HIE, NO_HIE, Story


async def _done(story: Story, sources: SourceSelection = HIE) -> str:
    """A request that ended ready."""
    request_id = await story.proofed_with_session(sources=sources)
    for source in sources.chosen():
        await story.source(source)
    await story.record()
    return request_id


async def test_a_second_request_joins_the_query_that_runs(linked: Story) -> None:
    """One call, and both end by what its sources say."""
    await linked.proofed_with_session(sources=ALL)
    second = await linked.ask(HIE)
    assert linked.calls() == 1
    assert (await linked.state(second))["waitingFor"] == "sources"
    await linked.source("hie")
    assert (await linked.state(second))["waitingFor"] == "consolidated_data"
    await linked.record()
    finished = await linked.finished()
    assert (finished["requestId"], finished["result"]) == (second, "ready")
    assert finished["sources"] == [{"source": "hie", "status": "completed"}]


async def test_two_requests_at_once_send_the_person_to_one_challenge(linked: Story) -> None:
    """Both name the same link; the older one's query is joined by the other."""
    first = await linked.ask()
    second = await linked.ask()
    await linked.proves(await linked.link("identity_verification"))
    links = [body["linkId"] for body in await linked.bodies("UserActionRequired")]
    assert links == [links[0], links[0], links[2], links[2]]
    await linked.confirm(await linked.comes_back(links[2]))
    assert linked.calls() == 1
    for request_id in (first, second):
        assert (await linked.state(request_id))["waitingFor"] == "sources"


async def test_a_request_for_other_sources_has_a_query_of_its_own(linked: Story) -> None:
    await linked.proofed_with_session(sources=HIE)
    second = await linked.ask(NO_HIE)
    assert linked.calls() == 2
    assert (await linked.state(second))["waitingFor"] == "sources"


async def test_no_query_of_another_subject_is_joined(linked: Story) -> None:
    """I9: the same patient, and somebody else's session."""
    victor = await people.person(linked.database, "victor", linked.patient)
    linked.vendor.knows(victor)
    await people.due_query(linked.database, victor)
    await linked.gateway.settle()
    request_id = await linked.ask(NO_HIE)
    await linked.proves(await linked.link("identity_verification"))
    assert (await linked.state(request_id))["waitingFor"] == "aal2_challenge"
    row = await people.row(linked.database, "record_request", subject_id=SubjectId("jane"))
    assert row["query_id"] is None


async def test_a_repeat_within_the_cool_down_is_answered_from_the_last_result(
    linked: Story,
) -> None:
    """Straight to the consolidated query: nobody is challenged, nothing is asked of the networks."""
    await _done(linked)
    asked = len(await linked.bodies("UserActionRequired"))
    second = await linked.ask()
    assert (await linked.state(second))["waitingFor"] == "consolidated_data"
    assert (await linked.steps())[-1] == ("consolidated_query", "consolidated_data")
    await linked.record()
    assert [body["result"] for body in await linked.bodies("RecordRequestFinished")] == [
        "ready"
    ] * 2
    assert linked.calls() == 1
    assert len(await linked.bodies("UserActionRequired")) == asked


async def test_after_the_cool_down_a_query_is_started(linked: Story) -> None:
    """An hour by default, from when our clock heard of the sources' end."""
    await _done(linked)
    await people.sql(
        linked.database,
        "update network_query_source set ended_at = ended_at - interval '61 minutes'",
    )
    await linked.ask()
    assert linked.calls() == 2


async def test_freshness_says_how_old_a_result_may_be(linked: Story) -> None:
    """In seconds, also beyond the cool-down; 0 is never satisfied by a result that was there."""
    await _done(linked)
    await linked.ask(freshness=0)
    assert linked.calls() == 2
    await linked.source("hie")
    await linked.record()
    await people.sql(
        linked.database, "update network_query_source set ended_at = ended_at - interval '2 hours'"
    )
    await linked.ask(freshness=7_300)
    assert linked.calls() == 2
    await linked.ask(freshness=7_100)
    assert linked.calls() == 3


async def test_a_query_whose_sources_all_failed_is_no_result(linked: Story) -> None:
    await linked.proofed_with_session()
    await linked.source("hie", "failed")
    finished = await linked.finished()
    assert (finished["result"], finished["reason"]) == ("failed", "source_failed")
    await linked.ask()
    assert linked.calls() == 2


async def test_a_result_of_a_revoked_identity_is_not_used(linked: Story) -> None:
    """I9: the person proves who they are anew, and the networks are asked anew."""
    await _done(linked)
    await people.sql(linked.database, "update identity set state = 'revoked'")
    await people.sql(linked.database, "update network_query set withheld = true")
    linked.proofed = f"pid_{uuid4().hex}"
    await linked.proofed_with_session()
    assert linked.calls() == 2


async def test_the_second_request_goes_on_when_the_first_is_cancelled(linked: Story) -> None:
    """Its query was not sent: it is not, and the other one's is."""
    first = await linked.ask()
    second = await linked.ask()
    await linked.proves(await linked.link("identity_verification"))
    code = await linked.comes_back(await linked.link("aal2_challenge"))
    linked.is_paused = True
    await linked.confirm(code)
    await linked.cancel(first)
    linked.is_paused = False
    await linked.settle()
    assert linked.calls() == 1
    assert (await linked.state(second))["waitingFor"] == "sources"
    assert [body["reason"] for body in await linked.bodies("NetworkQueryRefused")] == ["cancelled"]


async def test_a_shared_link_stays_open_for_the_one_who_still_waits(linked: Story) -> None:
    first = await linked.ask()
    await linked.ask()
    await linked.cancel(first)
    await linked.settle()
    assert "IdentityVerificationExpired" not in await linked.kinds()
    await linked.proves(await linked.link("identity_verification"))
    assert (await linked.steps())[-1] == ("aal2_challenge", "aal2_challenge")


async def test_an_old_result_of_a_source_is_asked_again_also_while_others_run(
    linked: Story,
) -> None:
    """A query that runs for days because of its labs does not answer for an HIE of the first hour."""
    await linked.proofed_with_session(sources=ALL)
    await linked.source("hie")
    await people.sql(
        linked.database, "update network_query_source set ended_at = ended_at - interval '2 hours'"
    )
    await linked.ask(HIE)
    assert linked.calls() == 2
