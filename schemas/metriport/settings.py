"""Bodies of Metriport's account settings, at the root of its API (docs; code of 30 Oct 2025)."""

from typing import Any

from .api import Request
from .webhooks import Body


class UpdateSettings(Request, frozen=True, kw_only=True):
    """``POST /settings``. Strict: an unknown field is refused. Whatever URL is sent is pinged at once."""

    webhook_url: str


class AccountSettings(Body, frozen=True, kw_only=True):
    """Answer to ``GET`` and ``POST /settings``. Holds the webhook key, hence shows nothing."""

    webhook_url: str | None = None
    webhook_key: str | None = None

    def __repr__(self) -> str:
        return "AccountSettings(…)"


class WebhookStatus(Body, frozen=True, kw_only=True):
    """``GET /settings/webhook``. Docs and code disagree on types, so each field is read with care.

    ``webhookEnabled`` reports the last delivery: a boolean in the code, a string in the docs. A count of
    -1 means that counting failed.
    """

    webhook_enabled: Any = None
    webhook_status_detail: Any = None
    webhook_requests_processing: Any = None
    webhook_requests_failed: Any = None
