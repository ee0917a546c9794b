"""Back from the vendor: the session is sealed and published, the browser gets a code and no secret."""

import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote, urlsplit

import pytest
from aiohttp import ClientResponse
from yarl import URL

from consumers.reading import Callback
from schemas.callbacks import Aal2Returned
from service.ias.browser import Step
from tests.ingress import vendor
from tests.ingress.opening import as_consumers_read, opened_callback
from tests.ingress.raw import exchange
from tests.ingress.running import Ingress, ingress_settings, running
from tests.ingress.steps import (
    AAL2,
    IDENTITY,
    RETURN_URL,
    a_step,
    assert_strict,
    link,
    open_id_of,
    opened,
    went_to,
)
from tests.ingress.tap import Tap
from tests.support.waiting import until

pytestmark = pytest.mark.edge

SESSION = "aal2_0199b1cf20417f58"
VERIFIED = f"/callbacks/aal2?aal2SessionId={SESSION}&status=verified"
REDIRECTS = vendor.sample("redirect.aal2.json")


def _query_of(name: str) -> str:
    return str(urlsplit(REDIRECTS[name]["url"]).query)


async def _challenged(ingress: Ingress, tap: Tap, step: Step | None = None) -> Step:
    """A browser that opened a challenge's link; what that published is read away."""
    step = step or a_step()
    await opened(ingress, step)
    await tap.new()
    return step


def _assert_tells_nothing(response: ClientResponse, body: bytes, session: str) -> None:
    told = "\n".join(f"{name}: {value}" for name, value in response.headers.items()).encode()
    assert session.encode() not in told + body


@pytest.mark.parametrize("name", ["verified", "verifiedWithOwnQuery", "verifiedNaiveAppend"])
async def test_a_verified_return_publishes_the_session_and_hands_out_a_code(
    ingress: Ingress, tap: Tap, name: str
) -> None:
    """I7: the session is in the sealed record and nowhere else; the record has the code's hash only."""
    step = a_step()
    open_id = open_id_of(await opened(ingress, step))
    await tap.new()
    response = await ingress.get(f"/callbacks/aal2?{_query_of(name)}")
    url, given = went_to(response)
    assert url == RETURN_URL
    assert set(given) == {"code", "reference"}
    assert given["reference"] == str(step.link_id)
    assert_strict(response)
    _assert_tells_nothing(response, await response.read(), SESSION)

    record = await tap.one()
    assert record.key == "user-8f14"
    assert record.headers["ce_type"] == "ias.callback.Aal2Returned"
    assert SESSION not in str(record.headers)
    assert SESSION.encode() not in record.value
    content = opened_callback(record)
    hashed = hashlib.sha256(b"metriport-ias/return-code\x00" + given["code"].encode()).digest()
    assert base64.b64decode(content.pop("codeHash")) == hashed
    del content["returnedAt"]
    assert content == {
        "challengeId": str(step.link_id),
        "openId": str(open_id),
        "subjectId": "user-8f14",
        "aal2SessionId": SESSION,
    }


async def test_the_consumers_read_what_a_return_published(ingress: Ingress, tap: Tap) -> None:
    await _challenged(ingress, tap)
    await ingress.get(VERIFIED)
    message = as_consumers_read(await tap.one())
    assert isinstance(message, Callback)
    assert isinstance(message.content, Aal2Returned)
    assert message.content.aal2_session_id == SESSION


async def test_codes_are_never_alike(ingress: Ingress, tap: Tap) -> None:
    codes = set()
    for _ in range(3):
        await _challenged(ingress, tap)
        codes.add(went_to(await ingress.get(VERIFIED))[1]["code"])
    assert len(codes) == 3
    assert all(len(code) == 43 for code in codes)  # 256 bits in base64


async def test_parameters_join_the_query_of_the_applications_url(
    ingress: Ingress, tap: Tap
) -> None:
    step = a_step(return_url="https://app.example.com/back?lang=en#top")
    await _challenged(ingress, tap, step)
    location = (await ingress.get(VERIFIED)).headers["location"]
    assert location.startswith("https://app.example.com/back?lang=en&code=")
    assert location.endswith(f"&reference={step.link_id}#top")


@pytest.mark.parametrize("session", ["a%b", "a+b", "a&status=x", "a?b=c", "a%41", "a;b"])
async def test_the_session_is_taken_as_it_was_written_whatever_it_holds(
    ingress: Ingress, tap: Tap, session: str
) -> None:
    """The vendor's ids are opaque: decoded once, never twice. What cannot be a header is none."""
    await _challenged(ingress, tap)
    await ingress.get(f"/callbacks/aal2?aal2SessionId={quote(session, safe='')}&status=verified")
    content = opened_callback(await tap.one())
    assert content["aal2SessionId"] == session


NOT_VERIFIED = {
    "failed": _query_of("notVerified"),
    "cancelled": _query_of("cancelled"),
    "no_parameters": "",
    "no_status": f"aal2SessionId={SESSION}",
    "no_session": "status=verified",
    "an_empty_session": "aal2SessionId=&status=verified",
    "failed_with_a_session": f"aal2SessionId={SESSION}&status=failed",
    "another_case": f"aal2SessionId={SESSION}&status=Verified",
    "a_space_more": f"aal2SessionId={SESSION}&status=verified%20",
    "another_case_of_the_names": f"AAL2SESSIONID={SESSION}&STATUS=verified",
    "two_sessions": f"aal2SessionId={SESSION}&aal2SessionId=aal2_other&status=verified",
    "one_session_twice": f"aal2SessionId={SESSION}&aal2SessionId={SESSION}&status=verified",
    "two_states": f"aal2SessionId={SESSION}&status=verified&status=failed",
    "two_states_by_a_second_question_mark": f"status=failed?aal2SessionId={SESSION}&status=verified",
    "a_session_of_256_letters": f"aal2SessionId={'s' * 256}&status=verified",
    "a_session_with_a_nul": "aal2SessionId=aal2_%00&status=verified",
    "a_session_with_a_space": "aal2SessionId=aal2_%20x&status=verified",
    "a_session_beyond_ascii": "aal2SessionId=aal2_%C3%A9&status=verified",
    "a_session_with_a_line_break": "aal2SessionId=aal2_%0d%0aset-cookie:a=b&status=verified",
}


@pytest.mark.parametrize("query", NOT_VERIFIED.values(), ids=NOT_VERIFIED)
async def test_any_other_return_is_not_verified_and_publishes_nothing(
    ingress: Ingress, tap: Tap, query: str
) -> None:
    step = await _challenged(ingress, tap)
    response = await ingress.get(f"/callbacks/aal2?{query}")
    url, given = went_to(response)
    assert url == RETURN_URL
    assert given == {"outcome": "not_verified", "reference": str(step.link_id)}
    _assert_tells_nothing(response, await response.read(), SESSION)
    assert_strict(response)
    assert await tap.new() == []


async def test_after_a_failure_the_same_step_can_still_succeed(ingress: Ingress, tap: Tap) -> None:
    step = await _challenged(ingress, tap)
    await ingress.get("/callbacks/aal2?status=failed")
    assert went_to(await ingress.get(VERIFIED))[1]["reference"] == str(step.link_id)
    assert opened_callback(await tap.one())["challengeId"] == str(step.link_id)


@pytest.mark.parametrize("raw", [b"aal2_\xff\xfe", b"aal2_%FF%00", b"aal2_\xc3\x28"])
async def test_a_session_of_bytes_that_are_no_text_is_never_an_error(
    ingress: Ingress, tap: Tap, raw: bytes
) -> None:
    await _challenged(ingress, tap)
    cookies = ingress.browser.cookie_jar.filter_cookies(URL(ingress.url))
    cookie = cookies["__Host-ias"].value.encode()
    answer = await exchange(
        ingress.port,
        b"GET /callbacks/aal2?aal2SessionId=" + raw + b"&status=verified HTTP/1.1\r\n"
        b"Host: 127.0.0.1\r\nCookie: __Host-ias=" + cookie + b"\r\n\r\n",
    )
    assert answer.status in {303, 400}
    assert "code=" not in answer.headers.get("location", "")
    assert await tap.new() == []


@pytest.mark.parametrize("path", [VERIFIED, "/callbacks/aal2?status=failed", "/callbacks/identity"])
@pytest.mark.parametrize("cookie", [None, "canary", "A" * 5000, ""])
async def test_without_our_cookie_a_return_is_a_clear_page_and_nothing_else(
    ingress: Ingress, tap: Tap, path: str, cookie: str | None
) -> None:
    """A stranger's link followed to its end in another browser binds nothing."""
    if cookie is not None:
        ingress.browser.cookie_jar.update_cookies({"__Host-ias": cookie}, URL(ingress.url))
    response = await ingress.get(path)
    html = await response.text()
    assert response.status == 400
    assert "open the link from your application again" in html
    assert "canary" not in html
    assert "location" not in response.headers
    _assert_tells_nothing(response, html.encode(), SESSION)
    assert_strict(response)
    assert await tap.new() == []


async def test_a_return_that_is_repeated_after_its_success_publishes_nothing(
    ingress: Ingress, tap: Tap
) -> None:
    """The back button, a reload, a copied URL: the cookie has forgotten the step."""
    await _challenged(ingress, tap)
    first = await ingress.get(VERIFIED)
    assert first.status == 303
    assert first.cookies["__Host-ias"].value == ""
    await tap.new()
    again = await ingress.get(VERIFIED)
    assert again.status == 400
    assert await tap.new() == []


async def test_steps_of_two_identities_bind_none_and_are_forgotten(
    ingress: Ingress, tap: Tap
) -> None:
    """Two people at one computer: whose session it is cannot be known."""
    await _challenged(ingress, tap, a_step(subject="user-a", binding="identity-a"))
    await _challenged(ingress, tap, a_step(subject="user-b", binding="identity-b"))
    response = await ingress.get(VERIFIED)
    html = await response.text()
    assert response.status == 409
    assert "nothing was connected" in html
    assert "user-" not in html
    assert "location" not in response.headers
    assert_strict(response)
    _assert_tells_nothing(response, html.encode(), SESSION)
    cookie = response.cookies["__Host-ias"]
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", "/")
    assert cookie["secure"] is True
    assert await tap.new() == []
    assert (await ingress.get(VERIFIED)).status == 400
    assert await tap.new() == []


async def test_steps_of_two_kinds_do_not_stand_in_each_others_way(
    ingress: Ingress, tap: Tap
) -> None:
    challenge = await _challenged(ingress, tap, a_step(AAL2, binding="identity-a"))
    proofing = await _challenged(ingress, tap, a_step(IDENTITY, binding="user\npatient"))
    back = await ingress.get("/callbacks/identity")
    assert went_to(back)[1] == {"reference": str(proofing.link_id)}
    assert went_to(await ingress.get(VERIFIED))[1]["reference"] == str(challenge.link_id)


async def test_of_several_challenges_of_one_identity_the_newest_counts(
    ingress: Ingress, tap: Tap
) -> None:
    for _ in range(2):
        await _challenged(ingress, tap)
    newest = await _challenged(ingress, tap)
    given = went_to(await ingress.get(VERIFIED))[1]
    assert given["reference"] == str(newest.link_id)
    assert (await ingress.get(VERIFIED)).status == 400  # the older ones are answered with it


async def test_a_link_opened_again_is_one_step_with_the_newest_click(
    ingress: Ingress, tap: Tap
) -> None:
    step = a_step()
    await opened(ingress, step)
    newest = open_id_of(await opened(ingress, step))
    await tap.new()
    await ingress.get(VERIFIED)
    assert opened_callback(await tap.one())["openId"] == str(newest)


async def test_of_more_than_five_steps_the_oldest_is_forgotten(ingress: Ingress, tap: Tap) -> None:
    """Seen from outside: while the other person's step is remembered nothing binds; then it is gone."""
    await _challenged(ingress, tap, a_step(binding="another-identity"))
    for _ in range(4):
        await _challenged(ingress, tap)
    kept = ingress.browser.cookie_jar.filter_cookies(URL(ingress.url))["__Host-ias"].value
    assert (await ingress.get(VERIFIED)).status == 409
    ingress.browser.cookie_jar.update_cookies({"__Host-ias": kept}, URL(ingress.url))
    fifth = await _challenged(ingress, tap)
    assert went_to(await ingress.get(VERIFIED))[1]["reference"] == str(fifth.link_id)


async def test_a_step_that_has_run_out_meanwhile_is_not_pending(ingress: Ingress, tap: Tap) -> None:
    step = a_step(lives=timedelta(seconds=0.3))
    path = link(step)
    assert (await ingress.post(path)).status == 303

    async def has_run_out() -> bool:
        return (await ingress.get(path)).status == 410

    await until(has_run_out)
    await tap.new()
    assert (await ingress.get(VERIFIED)).status == 400
    assert await tap.new() == []


@pytest.mark.parametrize(
    "query", ["", f"?{_query_of('verified')}", "?status=failed&proofed=canary"]
)
async def test_what_comes_with_a_return_from_proofing_proves_nothing(
    ingress: Ingress, tap: Tap, query: str
) -> None:
    """Only the signed webhook does."""
    step = await _challenged(ingress, tap, a_step(IDENTITY))
    response = await ingress.get(f"/callbacks/identity{query}")
    assert went_to(response) == (RETURN_URL, {"reference": str(step.link_id)})
    assert_strict(response)
    assert await tap.new() == []
    assert (await ingress.get("/callbacks/identity")).status == 400


async def test_a_challenge_is_not_answered_by_a_return_from_proofing(
    ingress: Ingress, tap: Tap
) -> None:
    await _challenged(ingress, tap, a_step(AAL2))
    assert (await ingress.get("/callbacks/identity")).status == 400
    assert went_to(await ingress.get(VERIFIED))[1]["code"]


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT"])
async def test_a_return_is_a_get_and_nothing_else(ingress: Ingress, tap: Tap, method: str) -> None:
    await _challenged(ingress, tap)
    async with ingress.browser.request(method, f"{ingress.url}{VERIFIED}") as response:
        assert response.status == 405
    assert await tap.new() == []


@pytest.fixture
async def cut_off(topic_prefix: str, ingress: Ingress) -> AsyncIterator[Ingress]:
    """A second ingress behind the same cookies whose Kafka is away."""
    settings = ingress_settings("127.0.0.1:1", topic_prefix)
    async with running(settings, connected=False) as other:
        jar = ingress.browser.cookie_jar
        other.browser._cookie_jar = jar  # noqa: SLF001 - one browser, two replicas
        yield other


async def test_while_nothing_is_durable_a_return_can_be_reloaded_until_it_is(
    ingress: Ingress, cut_off: Ingress, tap: Tap
) -> None:
    """I6: the session is only on that URL: no code without durability, and the cookie stays."""
    step = await _challenged(ingress, tap)
    for _ in range(2):
        response = await cut_off.get(VERIFIED)
        html = await response.text()
        assert response.status == 503
        assert "Reload this page soon" in html
        assert "set-cookie" not in response.headers
        _assert_tells_nothing(response, html.encode(), SESSION)
        assert_strict(response)
    assert went_to(await ingress.get(VERIFIED))[1]["reference"] == str(step.link_id)
    assert opened_callback(await tap.one())["aal2SessionId"] == SESSION


async def test_while_nothing_is_durable_the_button_says_so_and_sets_no_cookie(
    cut_off: Ingress,
) -> None:
    response = await cut_off.post(link(a_step()))
    assert response.status == 503
    assert "Reload" in await response.text()
    assert "set-cookie" not in response.headers
