"""How our own pages look and behave: for every eye, on every screen, by keyboard, without script."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.browser.accessibility import focused, sticks_out, too_small_to_tap, violations
from tests.browser.gallery import NAMES, STEPS, WAITING, gallery
from tests.browser.seen import Seen

Scheme = Literal["light", "dark"]
SCREENS = {
    "desktop": ViewportSize(width=1280, height=800),
    "phone": ViewportSize(width=390, height=844),
    "narrow": ViewportSize(width=320, height=568),
}
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder to which every page is painted, for people to look at."""

REFRESH = ("meta-refresh",)
"""axe refuses every timed refresh. The waiting page asks for nothing, loses nothing by it, has a link
that does the same, and the other way to go on by itself would need a script."""

A_SCRIPT = (
    "document.body.append(Object.assign(document.createElement('script'), {text: 'ran = 1'}))"
)


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    async with gallery() as served:
        yield served


async def opened(
    browser: Browser, *, scheme: Scheme = "light", **options: Any
) -> tuple[Page, Seen]:
    context = await browser.new_context(viewport=SCREENS["phone"], color_scheme=scheme, **options)
    return await context.new_page(), Seen().watch(context)


async def painted(page: Page, name: str, scheme: Scheme) -> None:
    """On every screen, if somebody asked for it."""
    for screen, size in SCREENS.items() if SCREENSHOTS else ():
        await page.set_viewport_size(size)
        await page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{screen}-{scheme}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_readable_by_everybody(
    browser: Browser, origin: str, scheme: Scheme
) -> None:
    """Contrast, language, landmarks, labels and headings as axe sees them."""
    page, seen = await opened(browser, scheme=scheme)
    for name in NAMES:
        await page.goto(f"{origin}/{name}")
        assert await violations(page, but=REFRESH if name == WAITING else ()) == [], name
        await expect(page.get_by_role("heading", level=1)).to_have_count(1)
        await painted(page, name, scheme)
    assert seen.complaints == []


async def test_every_page_fits_its_screen_and_a_finger_hits_what_it_aims_at(
    browser: Browser, origin: str
) -> None:
    """Also with text of twice the size: nothing is to be scrolled sideways."""
    page, _ = await opened(browser)
    for name in NAMES:
        await page.goto(f"{origin}/{name}")
        for screen, size in SCREENS.items():
            await page.set_viewport_size(size)
            assert await sticks_out(page) == 0, (name, screen)
            assert await too_small_to_tap(page) == [], (name, screen)
        await page.set_viewport_size(SCREENS["phone"])
        await page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert await sticks_out(page) == 0, name


async def test_every_control_is_reached_by_keyboard_and_shows_that_it_is(
    browser: Browser, origin: str
) -> None:
    page, _ = await opened(browser)
    for name in (*STEPS, WAITING):
        await page.goto(f"{origin}/{name}")
        await page.keyboard.press("Tab")
        tag, style, width = await focused(page)
        assert tag == ("A" if name == WAITING else "BUTTON")
        assert style == "solid"
        assert width >= 2


async def test_no_page_has_a_script_and_none_would_run(browser: Browser, origin: str) -> None:
    page, seen = await opened(browser)
    for name in NAMES:
        await page.goto(f"{origin}/{name}")
        await expect(page.locator("script")).to_have_count(0)
        await page.evaluate(A_SCRIPT)
        assert await page.evaluate("typeof ran") == "undefined", name
    assert len(seen.complaints) == len(NAMES)
    assert all("Content Security Policy" in complaint for complaint in seen.complaints)


async def test_a_page_is_one_document_with_its_style_inside(browser: Browser, origin: str) -> None:
    """No font, picture or frame of anybody's; and the policy allows the style, by its hash."""
    page, seen = await opened(browser, java_script_enabled=False)
    for name in NAMES:
        await page.goto(f"{origin}/{name}")
        await expect(page.locator("main")).to_have_css("max-width", "480px")
    assert [request.url for request in seen.requests] == [f"{origin}/{name}" for name in NAMES]
    assert seen.complaints == []
