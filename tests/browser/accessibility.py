"""What makes a page usable by everybody, asked of the page as the browser shows it.

axe knows the rules of WCAG that a machine can check, contrast among them. Its script goes in by the
debugger's way, past our content security policy, which lets no page of ours run any.
"""

from importlib.resources import files
from typing import Any, Final

from playwright.async_api import Page

_AXE: Final = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
_RUN: Final = """rules => axe.run({rules, resultTypes: ["violations"]}).then(
    found => found.violations.map(one => [one.id, one.help, ...one.nodes.map(node => node.html)]))"""
_TOO_SMALL: Final = """least => [...document.querySelectorAll("a, button, input")].filter(one => {
    const box = one.getBoundingClientRect();
    return box.width < least || box.height < least;
}).map(one => one.outerHTML)"""
_RING: Final = """() => {
    const style = getComputedStyle(document.activeElement);
    return [document.activeElement.tagName, style.outlineStyle, parseFloat(style.outlineWidth)];
}"""
_WIDER: Final = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
TAP_TARGET: Final = 44
"""CSS pixels (WCAG 2.5.5)."""


async def violations(page: Page, *, but: tuple[str, ...] = ()) -> list[Any]:
    """What axe finds wrong, without the rules named in ``but``."""
    await page.evaluate(_AXE)
    found: list[Any] = await page.evaluate(_RUN, {rule: {"enabled": False} for rule in but})
    return found


async def too_small_to_tap(page: Page) -> list[str]:
    """Controls that a finger misses."""
    found: list[str] = await page.evaluate(_TOO_SMALL, TAP_TARGET)
    return found


async def focused(page: Page) -> tuple[str, str, float]:
    """What has the keyboard's focus: tag, and style and width of the ring around it."""
    tag, style, width = await page.evaluate(_RING)
    return tag, style, width


async def sticks_out(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    found: int = await page.evaluate(_WIDER)
    return found
