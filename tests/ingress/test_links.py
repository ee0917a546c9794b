"""``/go/{token}``: looking has no effect, pressing the button has one, and nobody else's link works."""

from datetime import UTC, datetime, timedelta
from http.cookies import Morsel

import pytest
from aiohttp import ClientResponse

from consumers.reading import Callback
from schemas.callbacks import LinkOpened
from schemas.events import StepKind
from service.crypto import tokens
from service.crypto.keys import KeyRing
from tests.ingress.opening import LINK_KEYS, as_consumers_read, opened_callback
from tests.ingress.running import Ingress
from tests.ingress.steps import (
    AAL2,
    IDENTITY,
    a_step,
    assert_strict,
    link,
    open_id_of,
    opened,
)
from tests.ingress.tap import Tap
from tests.local.person import Page

pytestmark = pytest.mark.edge


def _cookie(response: ClientResponse) -> "Morsel[str]":
    return response.cookies["__Host-ias"]


@pytest.mark.parametrize("kind", [AAL2, IDENTITY])
async def test_looking_at_a_link_has_no_effect(ingress: Ingress, tap: Tap, kind: StepKind) -> None:
    """Mail and chat scanners open links."""
    step = a_step(kind)
    for _ in range(3):
        response = await ingress.get(link(step))
        assert response.status == 200
        assert response.content_type == "text/html"
        assert "set-cookie" not in response.headers
        assert_strict(response)
    assert await tap.new() == []


async def test_the_page_has_one_button_that_posts_to_the_link_and_no_script(
    ingress: Ingress,
) -> None:
    path = link(a_step())
    response = await ingress.get(path)
    html = await response.text()
    assert Page(response.url, html).action == path
    assert html.count("<button") == 1
    assert "<script" not in html
    assert "user-8f14" not in html


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_no_other_method_does_anything(ingress: Ingress, tap: Tap, method: str) -> None:
    async with ingress.browser.request(method, f"{ingress.url}{link(a_step())}") as response:
        assert response.status == 405
        assert "set-cookie" not in response.headers
    assert await tap.new() == []


async def test_the_button_publishes_a_sealed_and_authentic_link_opened(
    ingress: Ingress, tap: Tap
) -> None:
    """I7: nobody but the consumers can read who opened what, and nobody else can write it."""
    step, before = a_step(), datetime.now(UTC)
    waiting = await opened(ingress, step)
    record = await tap.one()
    assert record.key == "user-8f14"
    assert record.headers["ce_type"] == "ias.callback.LinkOpened"
    assert str(step.link_id).encode() not in record.value
    content = opened_callback(record)
    at = datetime.fromisoformat(content.pop("openedAt"))
    assert before <= at <= datetime.now(UTC)
    assert content == {
        "linkId": str(step.link_id),
        "openId": str(open_id_of(waiting)),
        "subjectId": "user-8f14",
        "kind": "aal2_challenge",
    }
    assert record.headers["ce_id"] == content["openId"]


async def test_the_consumers_read_what_the_button_published(ingress: Ingress, tap: Tap) -> None:
    step = a_step(IDENTITY)
    await opened(ingress, step)
    message = as_consumers_read(await tap.one())
    assert isinstance(message, Callback)
    assert isinstance(message.content, LinkOpened)
    assert message.content.link_id == step.link_id
    assert message.content.kind is IDENTITY


async def test_the_button_sets_one_cookie_that_only_this_host_ever_sees(ingress: Ingress) -> None:
    step = a_step(lives=timedelta(minutes=30))
    response = await ingress.post(link(step))
    assert response.status == 303
    assert_strict(response)
    assert list(response.cookies) == ["__Host-ias"]
    cookie = _cookie(response)
    assert cookie["path"] == "/"
    assert cookie["secure"] is True
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["domain"] == ""
    assert 1700 < int(cookie["max-age"]) <= 1800
    for told in ("user-8f14", str(step.link_id), "identity-1"):
        assert told not in cookie.value


async def test_every_press_is_a_click_of_its_own(ingress: Ingress, tap: Tap) -> None:
    step = a_step()
    clicks = {open_id_of(await opened(ingress, step)) for _ in range(3)}
    assert len(clicks) == 3
    assert {record.headers["ce_id"] for record in await tap.new()} == set(map(str, clicks))


async def test_the_longest_steps_that_commands_allow_make_a_cookie_that_browsers_keep(
    ingress: Ingress,
) -> None:
    """Over 4 KiB a browser drops it whole, and the person could never come back."""
    url = "https://app.example.com/" + "r" * 276
    steps = [a_step(subject=f"{n}" * 255, binding="b" * 36, return_url=url) for n in range(5)]
    for step in steps:
        response = await ingress.post(link(step))
        assert response.status == 303
        assert len(response.headers["set-cookie"]) <= 4096
    newest = await ingress.get("/callbacks/aal2?status=failed")
    assert str(steps[-1].link_id) in newest.headers["location"]


def _altered() -> dict[str, str]:
    good = tokens.issue(LINK_KEYS, "link", a_step())
    middle = len(good) // 2
    swapped = "A" if good[middle] != "A" else "B"
    stranger = KeyRing((b"s" * 32,))
    return {
        "forged": "canary",
        "altered": good[:middle] + swapped + good[middle + 1 :],
        "cut": good[:-1],
        "longer": good + "A",
        "padded": good + "=",
        "of_another_key": tokens.issue(stranger, "link", a_step()),
        "of_another_purpose": tokens.issue(LINK_KEYS, "cookie", a_step()),
        "of_other_content": tokens.issue(LINK_KEYS, "link", "text"),
        "too_long": "A" * 5000,
        "percent_encoded": "%00%ff%0d%0a",
        "markup": "%3Cscript%3Ecanary%3C%2Fscript%3E",
    }


@pytest.mark.parametrize("token", _altered().values(), ids=_altered())
async def test_a_token_that_is_not_ours_is_404_and_is_not_echoed(
    ingress: Ingress, tap: Tap, token: str
) -> None:
    async def answers() -> list[ClientResponse]:
        return [
            await ingress.get(f"/go/{token}"),
            await ingress.post(f"/go/{token}"),
            await ingress.get(f"/go/{token}/wait/0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11?again"),
        ]

    for response in await answers():
        assert response.status == 404
        assert "set-cookie" not in response.headers
        assert_strict(response)
        html = await response.text()
        assert "This link does not work" in html
        assert "canary" not in html
    assert await tap.new() == []


async def test_a_link_that_has_run_out_is_410_and_does_nothing(ingress: Ingress, tap: Tap) -> None:
    path = link(a_step(lives=timedelta(seconds=-1)))
    waiting = f"{path}/wait/0199b0c4-5d1e-7a3c-9b42-3f0a6c2d7e11?again"
    for response in [
        await ingress.get(path),
        await ingress.post(path),
        await ingress.get(waiting),
    ]:
        assert response.status == 410
        assert "run out" in await response.text()
        assert "set-cookie" not in response.headers
        assert_strict(response)
    assert await tap.new() == []


async def test_what_is_not_a_page_of_ours_is_404_without_a_body(ingress: Ingress) -> None:
    for path in ["/", "/go/", "/go", "/callbacks", "/metrics", "/webhooks", "/go/a/b/c"]:
        response = await ingress.get(path)
        assert (response.status, await response.read()) == (404, b"")
        assert_strict(response)
