"""The whole way of a person: identity, challenge, query, record."""

from tests.metriport_sandbox import SandboxConfig

from .conftest import Clock, Receiver, Start
from .driver import RETURN_URL, Driver, text_of, walk_of


async def test_a_person_gets_from_identity_to_an_accepted_query(
    api: Driver, receiver: Receiver
) -> None:
    patient_id = await api.patient()
    secret, led_to = await api.prove_identity(patient_id)
    (verified,) = await receiver.next("ias.identity.verified")
    identity_id = verified.body["payload"]["proofedIdentityId"]
    session_id = await api.pass_challenge(identity_id, secret)
    answer = await api.ias_query(patient_id, identity_id, session_id, metadata={"q": "1"})

    assert led_to == RETURN_URL
    assert verified.body["payload"]["patientId"] == patient_id
    assert verified.body["meta"]["data"] == {"flow": "ias"}
    assert answer.status == 200
    assert answer.body["status"] == "processing"
    (done,) = await receiver.next("network-query.lab")
    assert done.body["payload"]["purposeOfUse"] == "ias"
    assert done.body["meta"]["requestId"] == answer.body["requestId"]
    assert done.body["meta"]["data"] == {"q": "1"}


async def test_the_identity_webhook_has_a_second_shape_with_fields_at_top_level(
    start: Start, receiver: Receiver
) -> None:
    api = await start(identity_webhook="toplevel")
    patient_id = await api.patient()
    await api.prove_identity(patient_id)
    (verified,) = await receiver.next("ias.identity.verified")

    assert verified.body["patientId"] == patient_id
    assert "payload" not in verified.body
    assert "requestId" not in verified.body["meta"]


async def test_cancelling_identity_proofing_returns_without_identity_or_webhook(
    api: Driver, receiver: Receiver
) -> None:
    url = (await api.identity_session(await api.patient())).body["sessionUrl"]
    page = (await api.get(url)).text
    answer = await api.submit(url, page, action="cancel")

    assert (answer.status, answer.headers["Location"]) == (303, RETURN_URL)
    assert api.sandbox.state.identities == {}
    assert receiver.received == []


async def test_a_hosted_page_belongs_to_the_first_browser_and_is_used_up_at_the_end(
    api: Driver,
) -> None:
    url = (await api.identity_session(await api.patient())).body["sessionUrl"]
    first = await api.get(url)
    reload_ = await api.get(url)
    api.http.cookie_jar.clear()
    other = await api.get(url)
    forged = await api.post(url, data={"walk": "guess", "action": "finish"})
    await api.submit(url, first.text, action="finish")
    after = await api.submit(url, first.text, action="finish")

    assert (first.status, reload_.status) == (200, 200)
    assert walk_of(first.text) == walk_of(reload_.text)
    assert (other.status, forged.status, after.status) == (410, 410, 410)
    assert len(api.sandbox.state.identities) == 1


async def test_a_hosted_page_expires_and_says_so(api: Driver, clock: Clock) -> None:
    session = (await api.identity_session(await api.patient())).body
    clock.now += 1800
    answer = await api.get(session["sessionUrl"])

    assert answer.status == 410
    assert "has expired" in answer.text


async def test_an_unknown_hosted_page_is_not_found(api: Driver) -> None:
    assert (await api.get("/s/nothing")).status == 404


async def test_a_wrong_code_may_be_corrected_twice_then_the_challenge_fails(api: Driver) -> None:
    identity_id, secret = await api.identity(await api.patient())
    wrong = f"{(int(api.code(secret)) + 500_000) % 1_000_000:06d}"
    url = (await api.challenge(identity_id)).body["challengeUrl"]
    page = (await api.get(url)).text
    answers = [await api.submit(url, page, action="verify", code=wrong) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 303]
    assert "not right" in text_of(answers[0].text, "error")
    assert answers[2].headers["Location"] == f"{RETURN_URL}?status=failed"
    assert api.sandbox.state.aal2_sessions == {}


async def test_a_cancelled_challenge_gives_no_session(api: Driver) -> None:
    identity_id, _ = await api.identity(await api.patient())
    url = (await api.challenge(identity_id)).body["challengeUrl"]
    page = (await api.get(url)).text
    answer = await api.submit(url, page, action="cancel")

    assert answer.headers["Location"] == f"{RETURN_URL}?status=cancelled"


async def test_a_redirect_urls_own_query_is_merged_or_naively_doubled(start: Start) -> None:
    merged = await _location(await start())
    naive = await _location(await start(redirect_style="naive"))

    assert merged == f"{RETURN_URL}?state=1&status=cancelled"
    assert naive == f"{RETURN_URL}?state=1?status=cancelled"


async def _location(api: Driver) -> str:
    identity_id, _ = await api.identity(await api.patient())
    url = (await api.challenge(identity_id, f"{RETURN_URL}?state=1")).body["challengeUrl"]
    page = (await api.get(url)).text
    return str((await api.submit(url, page, action="cancel")).headers["Location"])


async def test_a_challenge_needs_a_known_and_active_identity(api: Driver) -> None:
    identity_id, _ = await api.identity(await api.patient())
    unknown = await api.challenge("pid_unknown")
    await api.post(f"/_sandbox/identities/{identity_id}", {"status": "revoked"})
    revoked = await api.challenge(identity_id)

    assert (unknown.status, unknown.body["title"]) == (404, "NotFoundError")
    assert (revoked.status, revoked.body["title"]) == (400, "BadRequestError")


async def test_redirect_urls_must_be_https_and_on_the_exact_list(start: Start) -> None:
    api = await start(allow_loopback=False, redirect_urls=(RETURN_URL,))
    patient_id = await api.patient()
    answers = [
        await api.identity_session(patient_id, redirectUrl=url)
        for url in (RETURN_URL, f"{RETURN_URL}/", RETURN_URL.replace("https", "http"), "nonsense")
    ]

    assert [answer.status for answer in answers] == [200, 400, 400, 400]


async def test_nothing_may_be_redirected_to_unless_the_account_says_so(start: Start) -> None:
    api = await start(allow_loopback=False)
    assert SandboxConfig().redirect_urls == ()
    assert (await api.identity_session(await api.patient())).status == 400


async def test_an_identity_session_needs_a_known_patient_and_sane_metadata(api: Driver) -> None:
    unknown = await api.identity_session("nobody")
    heavy = await api.identity_session(
        await api.patient(), metadata={str(n): "" for n in range(51)}
    )

    assert unknown.status == 404
    assert heavy.status == 400
