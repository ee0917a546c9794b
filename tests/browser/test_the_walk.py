"""From the application's page to Metriport's and back, in a real browser: the way it should be."""

from typing import Any

import pytest
from playwright.async_api import expect
from yarl import URL

from tests.browser.accessibility import focused
from tests.browser.conftest import MakeGuest
from tests.browser.seen import history
from tests.browser.visitor import BACK, CHALLENGE, COOKIE, ON, PROOFING, Guest
from tests.local.journey import resource_types
from tests.processes.scene import Scene

DESKTOP: dict[str, Any] = {}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
NO_SCRIPT: dict[str, Any] = {"java_script_enabled": False}
STORY = [
    "UserActionRequired",
    "IdentityVerified",
    "UserActionRequired",
    "Aal2SessionReceived",
    "ReturnConfirmed",
    "RecordRequestFinished",
]
"""What concerns the person, of everything that one ``RequestRecords`` leads to."""


@pytest.mark.parametrize(
    "options", [DESKTOP, PHONE, NO_SCRIPT], ids=["at_a_desk", "on_a_phone", "without_script"]
)
async def test_one_command_and_two_steps_in_a_browser_bring_the_record(
    scene: Scene, guest: MakeGuest, options: dict[str, Any]
) -> None:
    """I4: the person is asked for each step once; the application, which knows who is logged in, confirms."""
    member = await guest(**options)
    command = await member.request_records()
    await member.take_identity_step(command)
    await member.take_challenge_step(command)
    bundle = await member.records(command)
    assert resource_types(bundle)["Patient"] == 1
    assert [name for name in member.names() if name in STORY] == STORY
    await expect(member.visitor.link("Your medical records")).to_be_visible()
    assert member.visitor.seen.complaints == []
    await assert_nothing_is_left(scene, member)
    assert_ours_asked_for_nothing(scene, member)


async def assert_nothing_is_left(scene: Scene, member: Guest) -> None:
    """I7: no cookie, and the session in no page that the person can go back to, nor in an address."""
    page, seen = member.visitor.page, member.visitor.seen
    (back,) = [URL(one.url) for one in seen.requests if "/callbacks/aal2" in one.url]
    session = back.query["aal2SessionId"]
    assert session in (await scene.vendor.state())["aal2_sessions"]
    remembered = await history(page)
    assert page.url == remembered[-1]
    assert session not in "\n".join(remembered) + await page.content()
    assert not any("/callbacks/" in url or "/wait/" in url for url in remembered)
    assert COOKIE not in {one["name"] for one in await page.context.cookies()}


def assert_ours_asked_for_nothing(scene: Scene, member: Guest) -> None:
    """Three servers were asked, and ours for its pages alone."""
    settings, seen = scene.deployment.settings, member.visitor.seen
    servers = {settings.public_url, settings.hosted_url, str(URL(settings.return_url).origin())}
    assert {str(URL(one.url).origin()) for one in seen.requests} == servers
    assert {one.resource_type for one in seen.of(settings.public_url)} == {"document"}


async def test_nobody_learns_from_a_browser_where_it_came_from(guest: MakeGuest) -> None:
    """Our links are bearer links: a Referer header would hand them to the vendor."""
    member = await (await guest()).proofed_before()
    await member.challenged()
    await member.visitor.goes_to_vendor(CHALLENGE)
    assert await member.visitor.page.evaluate("document.referrer") == ""
    await member.visitor.types_the_code()
    await member.visitor.sees(BACK)
    assert await member.visitor.page.evaluate("document.referrer") == ""
    told = [await one.header_value("referer") for one in member.visitor.seen.requests]
    application = URL(member.visitor.home).host  # says of itself what it likes
    assert {URL(one).host for one in told if one} <= {application}


async def test_our_cookie_comes_back_from_another_site_and_no_script_can_read_it(
    guest: MakeGuest,
) -> None:
    """``Lax``: with ``Strict`` the person would come back unknown."""
    member = await (await guest()).proofed_before()
    await member.challenged()
    await member.visitor.goes_to_vendor(CHALLENGE)
    cookies = await member.visitor.page.context.cookies()
    (cookie,) = [one for one in cookies if one["name"] == COOKIE]
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Lax")
    await member.visitor.types_the_code()
    await member.visitor.sees(BACK)


async def test_our_part_of_the_way_needs_only_a_keyboard(guest: MakeGuest) -> None:
    member = await guest()
    await member.asked_to_prove()
    visitor = member.visitor
    await visitor.page.goto(visitor.home)
    await expect(visitor.link("Get my records")).to_be_visible()
    await visitor.page.keyboard.press("Tab")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.button(ON)).to_be_visible()
    await visitor.page.keyboard.press("Tab")
    assert (await focused(visitor.page))[:2] == ("BUTTON", "solid")
    await visitor.page.keyboard.press("Enter")
    await visitor.sees(PROOFING)
