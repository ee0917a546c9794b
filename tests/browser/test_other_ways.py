"""What people really do: close tabs, open two, go back, cancel, come late, forbid cookies."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Page, async_playwright, expect

from service.crypto import tokens
from service.crypto.keys import KeyRing
from service.ias.browser import LINK_PURPOSE, Step
from service.ingress import pages
from tests.browser.conftest import MakeGuest
from tests.browser.visitor import BACK, CHALLENGE, COOKIE, ON, PROOFING, Guest
from tests.processes.scene import Scene

CANCELLED = "That was not confirmed"
"""The heading of the application's page after a return without success."""
USED = "This link has already been used"
"""The vendor's, for its own page."""


@pytest.fixture
async def member(guest: MakeGuest) -> Guest:
    """Somebody who has proved who they are, with a challenge to answer."""
    proofed = await (await guest()).proofed_before()
    await proofed.challenged()
    return proofed


async def finishes(member: Guest) -> None:
    """The person ends the challenge that they look at, and the application confirms it."""
    await member.visitor.types_the_code()
    await member.visitor.sees(BACK)
    await member.application.event("Aal2SessionReceived", subjectId=member.subject_id)
    await member.vouched()


async def test_who_closes_the_tab_comes_back_by_the_same_link(member: Guest) -> None:
    await member.visitor.goes_to_vendor(CHALLENGE)
    gone = member.visitor.page
    first = gone.url
    await member.visitor.new_tab()
    await gone.close()
    await member.visitor.goes_to_vendor(CHALLENGE)
    assert member.visitor.page.url != first  # the vendor's pages are single use: a fresh one
    await finishes(member)


async def test_who_reloads_the_waiting_page_or_the_vendors_still_gets_through(
    member: Guest,
) -> None:
    await member.visitor.goes_to_vendor(CHALLENGE)
    await member.visitor.page.reload()
    await member.visitor.sees(CHALLENGE)
    await finishes(member)


async def test_of_two_tabs_one_is_enough_and_the_other_says_that_nothing_is_left(
    member: Guest,
) -> None:
    await member.visitor.goes_to_vendor(CHALLENGE)
    first = member.visitor.page
    await member.visitor.new_tab()
    await member.visitor.goes_to_vendor(CHALLENGE)
    await finishes(member)
    member.visitor.page = first
    await member.visitor.types_the_code()
    await member.visitor.sees(pages.NOTHING_PENDING.title)
    await expect(first.get_by_text("there is nothing more to do here")).to_be_visible()
    assert member.names().count("Aal2SessionReceived") == 1


async def test_the_tab_that_was_opened_first_may_be_the_one_that_is_finished(
    member: Guest,
) -> None:
    await member.visitor.goes_to_vendor(CHALLENGE)
    first = member.visitor.page
    await member.visitor.new_tab()
    await member.visitor.goes_to_vendor(CHALLENGE)
    member.visitor.page = first
    await finishes(member)


async def test_two_people_at_one_browser_are_told_apart_or_not_connected_at_all(
    guest: MakeGuest,
) -> None:
    first = await guest("first")
    second = await guest("second", like=first.visitor)
    for one in (first, second):
        await one.proofed_before()
        await one.challenged()
        await one.visitor.goes_to_vendor(CHALLENGE)
    await first.visitor.types_the_code()
    await first.visitor.sees(pages.SEVERAL_PEOPLE.title)
    for one in (first, second):
        assert "Aal2SessionReceived" not in one.names()
    await second.visitor.goes_to_vendor(CHALLENGE)
    await finishes(second)


async def test_the_back_button_leads_from_the_vendor_to_our_button_and_on_again(
    member: Guest,
) -> None:
    """Never to the waiting page, which would send the person straight back to where they came from."""
    await member.visitor.goes_to_vendor(CHALLENGE)
    await member.visitor.page.go_back()
    await member.visitor.button(ON).click()
    await member.visitor.sees(CHALLENGE)
    await finishes(member)


async def test_going_back_after_it_is_done_does_nothing_twice(member: Guest) -> None:
    await member.visitor.goes_to_vendor(CHALLENGE)
    await finishes(member)
    await member.visitor.page.go_back()
    await member.visitor.sees(USED)
    await member.visitor.page.go_back()
    await member.visitor.button(ON).click()
    await member.visitor.sees(pages.OVER.title)
    await expect(member.visitor.page.get_by_text("nothing more to do here")).to_be_visible()
    assert member.names().count("Aal2SessionReceived") == 1


async def test_who_cancels_is_back_at_the_application_and_may_try_the_link_again(
    member: Guest,
) -> None:
    await member.visitor.goes_to_vendor(CHALLENGE)
    await member.visitor.button("Cancel").click()
    await member.visitor.sees(CANCELLED)
    assert "outcome=not_verified" in member.visitor.page.url
    await member.visitor.link("Try again").click()
    await member.visitor.button(ON).click()
    await member.visitor.sees(CHALLENGE)
    await finishes(member)


async def test_three_wrong_codes_are_a_return_without_success(member: Guest) -> None:
    await member.visitor.goes_to_vendor(CHALLENGE)
    for _ in range(3):
        await member.visitor.page.get_by_label("six-digit code").fill("no code")
        async with member.visitor.page.expect_navigation():
            await member.visitor.button("Confirm").click()
    await member.visitor.sees(CANCELLED)
    await member.visitor.goes_to_vendor(CHALLENGE)
    await finishes(member)


async def test_who_cancels_the_proof_can_prove_it_later_by_the_same_link(guest: MakeGuest) -> None:
    member = await guest()
    link = await member.asked_to_prove()
    await member.visitor.goes_to_vendor(PROOFING)
    await member.visitor.button("Cancel").click()
    await member.visitor.sees(BACK)
    await member.visitor.page.goto(link)
    await member.visitor.button(ON).click()
    await member.visitor.sees(PROOFING)
    await member.visitor.finishes_proofing()
    await member.visitor.sees(BACK)
    await member.application.event("IdentityVerified", subjectId=member.subject_id)


async def test_an_expired_link_says_so_and_a_fresh_one_works(scene: Scene, member: Guest) -> None:
    link = await member.challenged()
    await member.visitor.page.goto(past(scene, link))
    await member.visitor.sees(pages.EXPIRED.title)
    await expect(member.visitor.page.get_by_role("button")).to_have_count(0)
    await member.challenged()
    await member.visitor.goes_to_vendor(CHALLENGE)
    await finishes(member)


def past(scene: Scene, link: str) -> str:
    """The link as it will be when its time is over: the same, with an end that lies behind us."""
    base, _, token = link.rpartition("/")
    keys = scene.deployment.settings.keys["LINK_KEYS"].split(",")
    ring = KeyRing(tuple(msgspec.json.decode(f'"{key}"', type=bytes) for key in keys))
    step = tokens.read(ring, LINK_PURPOSE, token, Step)
    late = msgspec.structs.replace(step, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    return f"{base}/{tokens.issue(ring, LINK_PURPOSE, late)}"


async def test_a_link_that_was_opened_too_often_says_how_long_to_wait(member: Guest) -> None:
    link = await member.challenged()
    for _ in range(10):
        await member.visitor.page.request.post(link, max_redirects=0)
    await member.visitor.page.goto(link)
    await member.visitor.button(ON).click()
    await member.visitor.sees(pages.TOO_OFTEN.title)


async def test_cookies_that_are_lost_on_the_way_lead_to_a_page_that_says_what_to_do(
    member: Guest,
) -> None:
    await member.visitor.goes_to_vendor(CHALLENGE)
    await member.visitor.page.context.clear_cookies(name=COOKIE)
    await member.visitor.types_the_code()
    await member.visitor.sees(pages.NOTHING_PENDING.title)
    await expect(member.visitor.page.get_by_text("allow cookies")).to_be_visible()
    await member.visitor.goes_to_vendor(CHALLENGE)
    await finishes(member)
    assert member.names().count("Aal2SessionReceived") == 1


@pytest.fixture
async def without_cookies(chromium: str, tmp_path: Path) -> AsyncIterator[Page]:
    """A tab of a Chromium whose owner forbade all cookies in its settings."""
    forbids = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    settings = tmp_path / "Default" / "Preferences"
    settings.parent.mkdir()
    settings.write_bytes(msgspec.json.encode(forbids))
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path, executable_path=chromium
        )
        yield context.pages[0]
        await context.close()


async def test_who_forbids_cookies_is_told_before_the_vendor_asks_for_anything(
    member: Guest, without_cookies: Page
) -> None:
    allowed, member.visitor.page = member.visitor.page, without_cookies
    await member.visitor.starts()
    await member.visitor.button(ON).click()
    await member.visitor.sees(pages.NOTHING_PENDING.title)
    await expect(without_cookies.get_by_text("allow cookies")).to_be_visible()
    assert await without_cookies.context.cookies() == []
    member.visitor.page = allowed
    await member.visitor.goes_to_vendor(CHALLENGE)
    await finishes(member)
