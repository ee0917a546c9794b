"""Our own pages: simple, readable on a phone, usable by keyboard, without script and without secrets.

``render`` fills the one template; ``PAGES`` holds every text that a person can see. The style sheet is
inlined and allowed by its hash, so that no further request is needed.
"""

import base64
import hashlib
from enum import StrEnum
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


class Sign(StrEnum):
    """The small drawing above a title, 24 by 24; it says nothing that the words do not say."""

    SHIELD = (
        '<path d="M12 3 5 6v5c0 4.6 2.9 8.1 7 10 4.1-1.9 7-5.4 7-10V6z"/><path d="m9 12 2 2 4-4"/>'
    )
    CLOCK = '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>'
    NOTE = '<circle cx="12" cy="12" r="9"/><path d="M12 8v5M12 16.5v.01"/>'


class Text(NamedTuple):
    """Title and paragraphs of one page."""

    title: str
    paragraphs: tuple[str, ...]
    sign: Sign = Sign.NOTE


STEP: Final = {
    StepKind.IDENTITY_VERIFICATION: Text(
        "Prove who you are",
        (
            "Your medical records are for your eyes only, so Metriport first checks your identity.",
            "Have an identity document and your phone at hand. It takes a few minutes.",
        ),
        Sign.SHIELD,
    ),
    StepKind.AAL2_CHALLENGE: Text(
        "Confirm it is you",
        (
            "To get your medical records, enter a code from your authenticator app at Metriport.",
            "Afterwards you are taken back to your application.",
        ),
        Sign.SHIELD,
    ),
}
WAITING: Final = Text(
    "One moment",
    ("Your page at Metriport is being prepared. You are taken there automatically.",),
    Sign.CLOCK,
)
NOT_A_LINK: Final = Text(
    "This link does not work",
    ("A part of it may be missing. Open the link again from your application.",),
)
EXPIRED: Final = Text(
    "This link has run out",
    (
        "Links work for a limited time only, to keep your records safe.",
        "Go back to your application and start the step again to get a fresh link.",
    ),
)
OVER: Final = Text(
    "This step is over",
    (
        "If you have finished it, there is nothing more to do here: go back to your application.",
        "If not, it has run out: start the step again in your application to get a fresh link.",
    ),
)
TOO_OFTEN: Final = Text(
    "Opened too often",
    ("This link was opened too many times. Please wait an hour, then try again.",),
    Sign.CLOCK,
)
NO_PAGE: Final = Text(
    "That did not work",
    ("Metriport could not prepare your page. Go back to your application and try again.",),
)
UNAVAILABLE: Final = Text(
    "Please try again in a moment",
    ("Something on our side is not ready. Reload this page soon.",),
    Sign.CLOCK,
)
NOTHING_PENDING: Final = Text(
    "We cannot tell which step this belongs to",
    (
        "If you have finished the step, there is nothing more to do here: go back to your application.",
        (
            "If not, please open the link from your application again, in this browser, and allow "
            "cookies for this page: a cookie is how we recognise that it is you who comes back."
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
        f'<p class="aside">Nothing happens? <a href="{again}">Continue</a></p>'
    )
    return _render(WAITING, _paragraphs(WAITING) + rest, head)


def _paragraphs(text: Text) -> str:
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in text.paragraphs)


def _render(text: Text, content: str, head: str = "") -> str:
    return _BASE.substitute(
        title=escape(text.title), sign=text.sign, content=content, head=head, style=_STYLE
    )
