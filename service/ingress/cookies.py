"""The one cookie: which steps were opened in this browser, sealed with ``LINK_KEYS``.

``__Host-`` binds it to this host, ``Secure`` and ``Path=/``; ``Lax`` lets it come along when the
browser returns from the vendor; ``HttpOnly`` keeps scripts away.
"""

from typing import Final

from aiohttp import web

from service.crypto import tokens
from service.crypto.keys import KeyRing
from service.crypto.tokens import InvalidTokenError
from service.ias.browser import COOKIE_PURPOSE, Cookie

NAME: Final = "__Host-ias"
_LONGEST: Final = 3800
"""Browsers drop a cookie whose name, value and attributes are over 4 KiB."""


def read(request: web.Request, keys: KeyRing) -> Cookie:
    """What the browser remembers; a cookie that is not ours remembers nothing."""
    try:
        return tokens.read(keys, COOKIE_PURPOSE, request.cookies.get(NAME, ""), Cookie)
    except InvalidTokenError:
        return Cookie()


def write(response: web.Response, keys: KeyRing, cookie: Cookie) -> None:
    """Replace what the browser remembers; nothing to remember removes the cookie.

    Where long ids and URLs leave no room for all steps, the oldest are forgotten.
    """
    if not cookie.opened:
        response.del_cookie(NAME, path="/", secure=True, httponly=True, samesite="Lax")
        return
    token = tokens.issue(keys, COOKIE_PURPOSE, cookie)
    while len(token) > _LONGEST and len(cookie.opened) > 1:
        cookie = Cookie(cookie.opened[1:])
        token = tokens.issue(keys, COOKIE_PURPOSE, cookie)
    last = max(opened.step.expires_at for opened in cookie.opened)
    newest = max(opened.opened_at for opened in cookie.opened)
    response.set_cookie(
        NAME,
        token,
        max_age=max(int((last - newest).total_seconds()), 60),
        path="/",
        secure=True,
        httponly=True,
        samesite="Lax",
    )
