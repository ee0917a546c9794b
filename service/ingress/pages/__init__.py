"""Our own pages: simple, readable on a phone, usable by keyboard, without script and without secrets.

``render`` fills the one template; ``PAGES`` holds every text that a person can see. The style sheet is
inlined and allowed by its hash, so that no further request is needed.
"""

import base64
import hashlib
from html import escape
from importlib.resources import files
from string import Template
from typing import Final, NamedTuple

from schemas.events import StepKind

_HERE: Final = files(__package__)
_BASE: Final = Template(_HERE.joinpath("base.html").read_text(encoding="utf-8"))
_STYLE: Final = _HERE.joinpath("style.css").read_text(encoding="utf-8")

STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
"""For ``style-src`` of the content security policy."""


class Text(NamedTuple):
    """Title and paragraphs of one page."""

    title: str
    paragraphs: tuple[str, ...]


STEP: Final = {
    StepKind.IDENTITY_VERIFICATION: Text(
        "Confirm who you are",
        (
            "To get your medical records you first prove your identity with Metriport.",
            "Have an identity document and your phone at hand. It takes a few minutes.",
        ),
    ),
    StepKind.AAL2_CHALLENGE: Text(
        "Confirm it is you",
        (
            "To get your medical records, confirm that it is you with your authenticator.",
            "You are sent to Metriport for it and then back to your application.",
        ),
    ),
}
WAITING: Final = Text(
    "One moment", ("Your page at Metriport is being prepared. You are taken there automatically.",)
)
NOT_A_LINK: Final = Text("This link does not work", ("Open the link again from your application.",))
EXPIRED: Final = Text(
    "This link has run out",
    ("Go back to your application and start the step again to get a fresh link.",),
)
TOO_OFTEN: Final = Text(
    "Opened too often",
    ("This link was opened too many times. Please wait an hour, then try again.",),
)
NO_PAGE: Final = Text(
    "That did not work",
    ("Metriport could not prepare your page. Go back to your application and try again.",),
)
UNAVAILABLE: Final = Text(
    "Please try again in a moment", ("Something on our side is not ready. Reload this page soon.",)
)
NOTHING_PENDING: Final = Text(
    "We cannot tell which request this belongs to",
    (
        (
            "Please open the link from your application again, in this browser, and allow cookies for "
            "this page: a cookie is how we recognise that it is you who comes back."
        ),
    ),
)
SEVERAL_PEOPLE: Final = Text(
    "More than one person's step is open here",
    (
        (
            "For safety nothing was connected. Please go back to your application and start the step "
            "again, one person at a time."
        ),
    ),
)


def message(text: Text) -> str:
    """A page that only says something."""
    return _render(text, _paragraphs(text))


def button(text: Text, label: str, action: str) -> str:
    """A page with one button that posts to ``action``."""
    form = f'<form method="post" action="{escape(action)}"><button>{escape(label)}</button></form>'
    return _render(text, _paragraphs(text) + form)


def waiting(next_path: str) -> str:
    """A page that looks again after a second, without script."""
    again = escape(next_path)
    head = f'<meta http-equiv="refresh" content="1; url={again}">'
    rest = (
        '<progress aria-label="Please wait"></progress>'
        f'<small>Nothing happens? <a href="{again}">Continue</a></small>'
    )
    return _render(WAITING, _paragraphs(WAITING) + rest, head)


def _paragraphs(text: Text) -> str:
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in text.paragraphs)


def _render(text: Text, content: str, head: str = "") -> str:
    return _BASE.substitute(title=escape(text.title), content=content, head=head, style=_STYLE)
