"""Answers to browsers, all with the same strict headers."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from service.ingress.pages import STYLE_HASH

SERVER: Final = "ingress"
"""The ``Server`` header of every answer. aiohttp's own names the versions of aiohttp and of Python, which
helps nobody but who looks for known weaknesses (RFC 9110 §10.2.4)."""

STRICT: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "strict-transport-security": "max-age=31536000",
}


def page(html: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """A page of ours."""
    return web.Response(text=html, content_type="text/html", status=status, headers=STRICT)


async def expectation(request: web.Request) -> web.Response | None:
    """Answer ``Expect`` of a browser's request; aiohttp's own answer repeats what was sent."""
    if request.headers.get("expect", "").lower() != "100-continue":
        return web.Response(status=HTTPStatus.EXPECTATION_FAILED, headers=STRICT)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # aiohttp: the answer itself has not begun
    return None


def see_other(url: str) -> web.Response:
    """303: the browser goes there with GET (RFC 9700 §4.12: never 307 with credentials)."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={**STRICT, "location": url})
