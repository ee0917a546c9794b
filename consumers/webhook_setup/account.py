"""What the vendor says about the account's webhook, and what follows from it. Pure functions."""

import hashlib
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final
from urllib.parse import urlsplit

import msgspec

from schemas.metriport.settings import AccountSettings, WebhookStatus

LONGEST_URL: Final = 2048  # Metriport's code
_LONGEST_DETAIL: Final = 300
_WORDS: Final = {True: True, False: False, "true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account's webhook; ``None`` where there is none."""

    url: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Health:
    """How the vendor says the webhook is doing; ``None`` where it does not say."""

    verified: bool | None = None
    """Its ``webhookEnabled``: the outcome of the last delivery, pings included."""
    detail: str = field(default="", repr=False)
    processing: int | None = None
    failed: int | None = None


class Registration(Enum):
    """What registering a URL comes to."""

    SET = auto()
    PRESENT = auto()
    TAKEN = auto()


class Verdict(Enum):
    """What a ping showed."""

    VERIFIED = auto()
    FAILED = auto()
    UNKNOWN = auto()


def read_account(body: bytes) -> Account:
    """The account's webhook, from an answer of the settings.

    Raises:
        ValueError: the answer is not what was documented.
    """
    said = msgspec.json.decode(body, type=AccountSettings)
    return Account(url=said.webhook_url or None, key=said.webhook_key or None)


def read_health(body: bytes) -> Health | None:
    """The webhook's state; ``None`` where the vendor has stored nothing (docs: the answer is empty).

    Raises:
        ValueError: the answer is not what was documented.
    """
    if not body.strip():
        return None
    said = msgspec.json.decode(body, type=WebhookStatus)
    word = said.webhook_enabled
    detail = said.webhook_status_detail
    return Health(
        verified=_WORDS.get(word) if isinstance(word, bool | str) else None,
        detail=detail if isinstance(detail, str) else "",
        processing=_count(said.webhook_requests_processing),
        failed=_count(said.webhook_requests_failed),
    )


def _count(said: object) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) and said >= 0 else None


def registration(present: str | None, wanted: str, *, replace: bool) -> Registration:
    """Somebody's URL is never replaced unless that was asked for."""
    if present == wanted:
        return Registration.PRESENT
    return Registration.SET if present is None or replace else Registration.TAKEN


def verdict(health: Health | None) -> Verdict:
    """What the vendor's report, some time after a ping, says about it."""
    if health is None or health.verified is None:
        return Verdict.UNKNOWN
    return Verdict.VERIFIED if health.verified else Verdict.FAILED


def fingerprint(key: str) -> str:
    """Tells keys apart without telling them: eight digits of a hash over some 126 random bits."""
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def shown(url: str | None) -> str:
    """The URL for a terminal, which may be recorded: without credentials and query."""
    if url is None:
        return "none"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    place = f"{'…@' if '@' in parts.netloc else ''}{parts.netloc.rpartition('@')[2]}"
    return printable(f"{parts.scheme}://{place}{parts.path}{'?…' if parts.query else ''}")


def shown_detail(account: Account, health: Health) -> str:
    """The vendor's words, which quote the URL."""
    if account.url is None:
        return printable(health.detail)
    return printable(health.detail.replace(account.url, shown(account.url)))


def printable(text: str) -> str:
    """One line of the vendor's, bounded, that cannot steer a terminal."""
    line = "".join(letter if letter.isprintable() else "?" for letter in text)
    return line if len(line) <= _LONGEST_DETAIL else f"{line[:_LONGEST_DETAIL]}…"


def usable_url(text: str) -> str:
    """A URL that the vendor could call; what it refuses besides, it says itself.

    Raises:
        ValueError: it could not.
    """
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
        raise ValueError("must be an absolute http(s) URL without a fragment")
    if len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"must be at most {LONGEST_URL} printable ASCII characters")
    return text
