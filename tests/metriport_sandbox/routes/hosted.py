"""Single use of hosted pages: a URL belongs to the first browser that opens it.

The browser is known by a cookie, or by the hidden field of the form it was given, so that a
reload works, and a link that a scanner opened first is lost, as a single-use URL is.
"""

import hmac
from typing import TypeVar

from aiohttp import web

from tests.metriport_sandbox.kernel import Sandbox
from tests.metriport_sandbox.pages import PageRefusedError, gone_page, unknown_page
from tests.metriport_sandbox.state import HostedPage

Page = TypeVar("Page", bound=HostedPage)

_COOKIE = "walk"


def open_page(sandbox: Sandbox, page: Page | None, request: web.Request) -> tuple[Page, str]:
    """Return the page and the secret of its walk, for the first browser alone.

    Raises:
        PageRefusedError: for everybody else, and when there is no such page any more.
    """
    usable = _usable(sandbox, page)
    if usable.walk is None:
        usable.walk = sandbox.ids.token()
    elif not _is_same(usable.walk, request.cookies.get(_COOKIE, "")):
        raise PageRefusedError(gone_page(expired=False))
    return usable, usable.walk


def continue_page(sandbox: Sandbox, page: Page | None, given: str) -> tuple[Page, str]:
    """Return the page and the secret of its walk, when a form belongs to it.

    Raises:
        PageRefusedError: the form is not of this walk, or the page cannot be used any more.
    """
    usable = _usable(sandbox, page)
    if usable.walk is None or not _is_same(usable.walk, given):
        raise PageRefusedError(gone_page(expired=False))
    return usable, usable.walk


def remember(response: web.Response, walk: str, path: str) -> web.Response:
    """Bind the page to this browser."""
    response.set_cookie(_COOKIE, walk, path=path, httponly=True, samesite="Lax")
    return response


def _usable(sandbox: Sandbox, page: Page | None) -> Page:
    if page is None:
        raise PageRefusedError(unknown_page())
    if page.finished:
        raise PageRefusedError(gone_page(expired=False))
    if sandbox.now() >= page.expires:
        raise PageRefusedError(gone_page(expired=True))
    return page


def _is_same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
