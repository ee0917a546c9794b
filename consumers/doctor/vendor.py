"""Metriport: does it accept our key, does it send its webhooks to us, and do they arrive?

Asked are ``GET /settings`` and ``GET /settings/webhook``. The ping is our own, signed with the key that
Metriport signs with and sent to the URL that it sends to: an ingress that answers it answers Metriport's.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from uuid import uuid4

import aiohttp

from consumers.doctor.finding import Finding, ok, warning, wrong
from consumers.webhook_setup.account import Account, Health, shown
from consumers.webhook_setup.errors import SetupError
from consumers.webhook_setup.steps import OK, Patience, verify
from consumers.webhook_setup.telling import Telling
from consumers.webhook_setup.vendor import VendorAccount
from service.gateway.client import VendorClient
from service.webhook_signature import HEADER

WEBHOOK_PATH: Final = "/webhooks/metriport"
_PING_SECONDS: Final = 2.0
"""Metriport waits no longer for the answer to a ping (its code)."""


async def check(
    client: VendorClient, *, public_url: str | None, keys: Sequence[bytes], ping: bool
) -> list[Finding]:
    """Look at the account and judge it. ``ping``: have Metriport ping us, by setting the URL that it has."""
    account = VendorAccount(client)
    try:
        now, health = await account.read(), await account.health()
    except SetupError as error:
        todo = "check METRIPORT_API_KEY and METRIPORT_API_URL; the key is made in Metriport's dashboard"
        return [wrong("vendor.key", str(error), todo)]
    findings = [ok("vendor.key", "accepted"), registered(now, public_url)]
    if now.url is None or now.key is None:
        return findings
    findings += [*known(now.key, keys), *delivered(health), await pinged(now.url, now.key)]
    if ping:
        findings.append(await _vendor_ping(account))
    return findings


def registered(account: Account, public_url: str | None) -> Finding:
    """Whether Metriport sends its webhooks to us."""
    check = "vendor.webhook"
    if account.url is None:
        todo = "run `metriport-ias webhooks register URL --key-file FILE`"
        return wrong(check, "the account has no webhook URL: nothing ever arrives", todo)
    if public_url is not None and account.url != f"{public_url}{WEBHOOK_PATH}":
        todo = "whoever is there has to forward to us byte for byte (deploy/README.md)"
        return warning(check, f"the account's URL is {shown(account.url)}, not ours", todo)
    return ok(check, shown(account.url))


def known(key: str, keys: Sequence[bytes]) -> list[Finding]:
    """Whether our keys hold Metriport's; nothing to say where we were not given any."""
    if not keys:
        return []
    if key.encode() not in keys:
        todo = "run `metriport-ias webhooks register` with the present URL, and mount its file"
        return [
            wrong("vendor.webhook-key", "Metriport signs with a key that is not among ours", todo)
        ]
    return [ok("vendor.webhook-key", "among METRIPORT_WEBHOOK_KEYS")]


def delivered(health: Health | None) -> list[Finding]:
    """How Metriport says its deliveries go."""
    check = "vendor.deliveries"
    if health is None or health.verified is None:
        return [warning(check, "Metriport does not say how they go", "run it again with --ping")]
    if health.failed:
        todo = "the gateway asks for them again (DELIVERY_HEALER); look again in some minutes"
        return [warning(check, f"{health.failed} webhooks could not be delivered", todo)]
    if not health.verified and not health.detail:
        todo = "have one made: `metriport-ias webhooks verify`, or doctor --ping"
        return [warning(check, "Metriport has not delivered anything yet", todo)]
    if not health.verified:
        todo = "look at the ingress's log, then run `metriport-ias webhooks verify`"
        return [wrong(check, "Metriport's last delivery failed", todo)]
    return [ok(check, "the last one went well, none waits to be sent again")]


async def pinged(url: str, key: str) -> Finding:
    """A ping as Metriport sends it, and whether it is answered in time as it has to be."""
    check, word = "vendor.ping", secrets.token_urlsafe(16)
    meta = {"messageId": str(uuid4()), "when": datetime.now(UTC).isoformat(), "type": "ping"}
    body = json.dumps({"ping": word, "meta": meta}, separators=(",", ":")).encode()
    signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", HEADER: signature}
    patience = aiohttp.ClientTimeout(total=_PING_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=patience) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            status, said = answer.status, await answer.content.read(1024)
    except (aiohttp.ClientError, OSError) as error:
        todo = (
            "is the ingress running, and does the URL lead to it from here and from the internet?"
        )
        return wrong(check, f"no answer within 2 s ({type(error).__name__})", todo)
    if status == HTTPStatus.UNAUTHORIZED:
        todo = "the ingress lacks the account's key, or what is before it changes the body"
        return wrong(check, "the ingress refused the signature (401)", todo)
    if status != HTTPStatus.OK or word.encode() not in said:
        todo = "something else answers at the webhook URL: look at what stands before the ingress"
        return wrong(check, f"not answered as a ping is (status {status})", todo)
    return ok(check, "a ping signed with the account's key came back")


async def _vendor_ping(account: VendorAccount) -> Finding:
    check, said = "vendor.ping-by-metriport", list[str]()
    try:
        code = await verify(account, Telling(said.append), Patience(most=0.0))
    except SetupError as error:
        return wrong(check, str(error), "run it again")
    if code == OK:
        return ok(check, "Metriport's ping was answered as it should be")
    return wrong(check, said[-1], "see `metriport-ias webhooks verify`")
