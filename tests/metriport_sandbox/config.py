"""Every choice a caller can make about the double, in one frozen value.

Where the vendor's behaviour is unknown or two sources disagree, the field says so: set it to
the other reading to see whether your code survives it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

DEFAULT_API_KEY = "c2FuZGJveC1kb3VibGU6MWYwYzJiNWU="
DEFAULT_FACILITY_ID = "0199a001-2b7c-7d10-8e55-0c1d2e3f4a5b"
CX_ID = "1f0c2b5e-0000-4000-8000-00000000c0de"

SOURCES = ("hie", "pharmacy", "lab")

# Metriport docs, rate limits per minute. "network-query-<source>" counts inside a 2xx answer.
DEFAULT_LIMITS: Mapping[str, int] = {
    "write-patient": 15,
    "start-network-query": 20,
    "network-query-hie": 20,
    "network-query-pharmacy": 20,
    "network-query-lab": 20,
    "start-consolidated-query": 120,
}

IdentityShape = Literal["payload", "toplevel"]
RedirectStyle = Literal["merge", "naive"]
FailedListing = Literal["both", "errors"]
RunningWord = Literal["processing", "in-progress"]
BundleType = Literal["searchset", "collection"]
Loss = Literal["none", "failed", "silent"]
KeyRotation = Literal["kept", "renewed"]
EnabledShape = Literal["boolean", "string"]


@dataclass(frozen=True, kw_only=True)
class SandboxConfig:
    """How one sandbox behaves; the defaults are the vendor's where the vendor is known."""

    api_key: str = DEFAULT_API_KEY
    facility_ids: tuple[str, ...] = (DEFAULT_FACILITY_ID,)

    webhook_url: str | None = None
    """Set before the first request, without a ping: the receiver may not be up yet."""
    webhook_key: str | None = None
    """None: 21 URL-safe characters are made when the first URL is set, as the vendor does."""

    key_rotation: KeyRotation = "kept"
    """Clearing the URL: 'kept' changes nothing (code); 'renewed' clears it, and the next URL makes
    another key (docs)."""
    webhook_enabled: EnabledShape = "boolean"
    """Type of `webhookEnabled` in the webhook's state (code; docs: string)."""

    allow_loopback: bool = False
    """Lifts the refusal of loopback URLs, and the demand for https in redirect URLs."""
    redirect_urls: tuple[str, ...] = ()
    """The exact allow-list. Empty: nothing is allowed, or anything with allow_loopback."""
    public_url: str | None = None
    """Origin in links and hosted pages. None: the origin the last caller used."""

    step_seconds: float = 0.5
    """How long each step of background work takes (the vendor: seconds to days)."""
    link_seconds: int = 180
    document_link_seconds: int = 600
    hosted_page_seconds: float = 1800
    aal2_session_seconds: float = 900
    webhook_deadline_seconds: float = 5.0
    ping_deadline_seconds: float = 2.0
    retry_pause_seconds: float = 0.2

    sources: tuple[str, ...] = SOURCES
    """Sources enabled for the account. The real sandbox has 'hie' only; others fail at start."""
    aal2_single_use: bool = False
    """Unknown at the vendor: whether one AAL2 session serves more than one query."""
    identity_webhook: IdentityShape = "payload"
    """Unknown at the vendor: where `ias.identity.verified` carries its fields."""
    identity_webhook_seconds: float = 0.0
    """Wait before that webhook: it may reach you before or after the browser comes back."""
    identity_redirect_parameters: bool = False
    """Unknown at the vendor: whether the identity redirect carries sessionId and status."""
    redirect_style: RedirectStyle = "merge"
    """How a redirectUrl's own query is kept; 'naive' writes a second question mark."""
    failed_listing: FailedListing = "both"
    """A source that failed to start: in `sources` and `errors` (code) or `errors` (docs)."""
    running_word: RunningWord = "processing"
    """Some pages of the vendor's docs say 'in-progress' for a running query."""
    bundle_type: BundleType = "searchset"
    """Type of the wrapper bundle in `medical.consolidated-data` (code; docs: collection)."""

    duplicate_webhooks: bool = False
    """Deliver every webhook twice, byte for byte the same."""
    webhook_loss: Loss = "none"
    """'failed' keeps each webhook back as a failure row, 'silent' loses it without a trace."""

    limits: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
    """Calls a minute, by operation name; an operation that is not listed has no limit."""
    daily_quota: int | None = None
    """Calls a day at the gateway (the vendor's sandbox: 500); None switches it off."""
    patient_limit: int = 20

    seed: int | None = None
    """Makes ids, keys and tokens repeatable. None: they are unguessable."""
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    log: Callable[[str], None] | None = None
    """Receives one readable line for each call and each webhook, secrets masked."""
