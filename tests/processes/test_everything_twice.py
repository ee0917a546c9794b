"""At-least-once everywhere: whatever comes again changes nothing."""

import copy

import pytest

from tests.local.application import Told
from tests.processes.scene import Member, Scene

pytestmark = pytest.mark.process

COMMANDS = "ias.commands.v1"
WEBHOOKS = "metriport.webhooks.v1"
FINAL = {
    "PatientRegistered",
    "IdentityVerified",
    "Aal2SessionReceived",
    "ReturnConfirmed",
    "NetworkQueryFinished",
    "ConsolidatedDataReady",
}
ONCE_EACH = {
    "create-patient": 1,
    "create-identity-session": 1,
    "create-aal2-challenge": 1,
    "start-network-query": 1,
    "start-consolidated-query": 1,
}


def state_of(scene: Scene) -> dict[str, str]:
    """Every row of every table, but for pacing's slots, lock rows, heartbeats, the audit's chain.

    What was done is an entry of the audit; that the sealer chains it in its own time is not.
    """
    tables = scene.sql(
        "select table_name from information_schema.tables where table_schema = 'public'"
        " and table_name not in ('pacing_slot', 'outbox_shard', 'ingress_heartbeat')"
        " and table_name !~ '^audit_(chain|head|unchained|checkpoint)' order by 1"
    ).split()
    rows = "select coalesce(string_agg(t::text, chr(10) order by t::text), '') from {} t"
    return {table: scene.sql(rows.format(table)) for table in tables}


def assert_only_finals_repeat(member: Member) -> None:
    """A repeat has the same id and content, and is a final event."""
    first: dict[str, Told] = {}
    for told in member.events():
        if told.id in first:
            assert told == first[told.id]
            assert told.type.removeprefix("ias.event.") in FINAL
        first.setdefault(told.id, told)
    sequences = [told.content["sequence"] for told in first.values()]
    assert sequences == list(range(1, len(sequences) + 1))


def without_data(body: dict[str, object]) -> dict[str, object]:
    """The body as the vendor's retry sends it: the same message, without ``meta.data``."""
    body = copy.deepcopy(body)
    meta = body["meta"]
    assert isinstance(meta, dict)
    meta.pop("data", None)
    return body


async def calls_by_operation(scene: Scene, patient_id: str) -> dict[str, int]:
    """How many vendor calls of each kind were made for the patient."""
    state = await scene.vendor.state()
    identities = [
        identity["id"]
        for identity in state["identities"].values()
        if identity["patient_id"] == patient_id
    ]
    counts: dict[str, int] = {}
    for call in await scene.vendor.calls():
        text = f"{call['path']} {call['query']} {call['body']} {call['answer']}"
        if any(name in text for name in (patient_id, *identities)):
            counts[call["operation"]] = counts.get(call["operation"], 0) + 1
    return counts


async def test_every_command_and_every_webhook_may_come_twice_and_acts_once(scene: Scene) -> None:
    """I1, I2, I5, I9: one effect each, also for a re-send that lost ``meta.data``."""
    await scene.vendor.mode(duplicate=True)
    member = await scene.member("twice", times=2)
    bundle = await member.complete()
    assert bundle["entry"]
    await scene.vendor.mode(duplicate=False)
    await scene.calls_done()
    await scene.relayed()
    before, names = state_of(scene), member.names()

    repeated = await scene.handled(WEBHOOKS, "repeated")
    sent = await scene.vendor.send_everything_again()
    own = await scene.vendor.webhooks(bundle_patient(member))
    for webhook in own:
        await scene.vendor.emit(without_data(webhook["body"]))
    await scene.handled_more(WEBHOOKS, "repeated", repeated, sent + len(own))
    await scene.relayed()

    assert state_of(scene) == before
    assert member.names() == names
    assert_only_finals_repeat(member)
    assert await calls_by_operation(scene, bundle_patient(member)) == ONCE_EACH


def bundle_patient(member: Member) -> str:
    """The patient of a member who completed in one go."""
    return str(member.events()[0].content["patientId"])


async def test_a_command_sent_again_after_its_end_is_answered_with_the_same_event(
    scene: Scene,
) -> None:
    """I3, I5: the final event again, same ``ce_id`` and sequence, and no second call."""
    member = await (await scene.member("again")).ready()
    command = await member.start_query()
    finished = await member.told("NetworkQueryFinished", command)

    again = await member.start_query(commandId=command)
    assert again == command
    repeat = await member.told("NetworkQueryFinished", command, skip=1)

    assert repeat == finished
    assert_only_finals_repeat(member)
    assert len(await scene.vendor.calls("start-network-query", member.patient_id)) == 1


async def test_webhooks_that_could_not_be_delivered_finish_the_query_when_sent_again(
    scene: Scene,
) -> None:
    """I1, I6: the vendor's retry has the old ``when``, the same id, and no ``meta.data``."""
    member = await (await scene.member("lost")).ready()
    await scene.vendor.mode(loss="failed")
    command = await member.start_query()
    sources = {f"network-query.{name}" for name in ("hie", "pharmacy", "lab")}
    await scene.vendor.failures(member.patient_id, sources)
    assert "NetworkQueryFinished" not in member.names()

    await scene.vendor.mode(loss="none")
    await scene.vendor.retry()

    await member.told("NetworkQueryFinished", command, status="completed")
    assert_only_finals_repeat(member)


async def test_an_identity_webhook_that_was_lost_binds_when_sent_again(scene: Scene) -> None:
    """I1, section 5: without ``meta.data`` the stored vendor session id binds."""
    member = await (await scene.member("late")).registered()
    await scene.vendor.mode(loss="failed")
    command = await member.send(
        "StartIdentityVerification",
        patientId=member.patient_id,
        returnUrl=scene.application.return_url,
    )
    await member.person.prove_identity((await member.step_link(command))["url"])
    await scene.vendor.failures(member.patient_id, {"ias.identity.verified"})
    await scene.vendor.mode(loss="none")
    await scene.vendor.retry()

    await member.told("IdentityVerified", command, patientId=member.patient_id)
