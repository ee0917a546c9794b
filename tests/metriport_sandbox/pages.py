"""The hosted pages: plain, accessible HTML that works without scripts.

Names a walking driver relies on: every form posts to its own URL with the hidden field
`walk`; buttons are named `action` with the values `finish`, `verify` and `cancel`; the code
field is `code`; the enrolment secret is the text of `#totp-secret`.
"""

from html import escape

from aiohttp import web

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem;"
    "color:#1b1b1b;background:#fff}"
    "button{font:inherit;padding:.5rem 1rem;margin:.5rem .5rem 0 0}"
    "input{font:inherit;padding:.4rem;letter-spacing:.2em;width:8em}"
    "code{font-size:1.1em;background:#eee;padding:.2em .4em;overflow-wrap:anywhere}"
    "[role=alert]{border-left:4px solid #b00020;padding-left:.75rem}"
    ".note{color:#555;font-size:.9rem}"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
_NOTE = '<p class="note">This is a stand-in for the hosted pages. No real data is used.</p>'


class PageRefusedError(Exception):
    """The browser gets another page than the one it asked for."""

    def __init__(self, page: web.Response) -> None:
        super().__init__(page.status)
        self.page = page


def identity_page(*, walk: str, name: str, secret: str, uri: str) -> web.Response:
    """Show identity proofing, which is pretended, and enrolment of an authenticator, which is not."""
    return _page(
        "Verify your identity",
        f"<p>You are verifying the identity of <strong>{escape(name)}</strong>.</p>"
        "<ol>"
        "<li>Identity documents: accepted without a look, this is a sandbox.</li>"
        "<li>Add this key to your authenticator app. You need its codes later.<br>"
        f'<code id="totp-secret">{escape(secret)}</code><br>'
        f'<a id="totp-uri" href="{escape(uri)}">Open in an authenticator on this device</a></li>'
        "</ol>"
        + _form(
            walk,
            '<button type="submit" name="action" value="finish">Finish verification</button>'
            '<button type="submit" name="action" value="cancel">Cancel</button>',
        ),
    )


def aal2_page(*, walk: str, alert: str | None = None) -> web.Response:
    """Ask for a code of the authenticator."""
    warning = f'<p role="alert" id="error">{escape(alert)}</p>' if alert else ""
    return _page(
        "Confirm that it is you",
        warning
        + _form(
            walk,
            '<p><label for="code">The six-digit code that your authenticator app shows</label><br>'
            '<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code"'
            ' maxlength="12" autofocus></p>'
            '<button type="submit" name="action" value="verify">Confirm</button>'
            '<button type="submit" name="action" value="cancel">Cancel</button>',
        ),
    )


def gone_page(*, expired: bool) -> web.Response:
    """Say that a link is used up or expired."""
    reason = "has expired" if expired else "has already been used"
    text = f"<p>This link {reason}. Go back to the application and start again.</p>"
    return _page(f"This link {reason}", text, status=410)


def unknown_page() -> web.Response:
    """Say that there is no such page."""
    return _page("Page not found", "<p>There is nothing under this link.</p>", status=404)


def redirect(url: str) -> web.Response:
    """Send the browser back to the application."""
    return web.Response(status=303, headers={"Location": url, **_HEADERS})


def _form(walk: str, inner: str) -> str:
    hidden = f'<input type="hidden" name="walk" value="{escape(walk)}">'
    return f'<form method="post">{hidden}{inner}</form>'


def _page(title: str, body: str, *, status: int = 200) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}{_NOTE}</main></body></html>"
    )
    return web.Response(status=status, text=text, content_type="text/html", headers=_HEADERS)
