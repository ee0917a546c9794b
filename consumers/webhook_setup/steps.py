"""The four things that can be done. Each tells what it does, line by line, and ends with an exit code.

No line holds a key: keys go to the file alone.
"""

import asyncio
from typing import Final, NamedTuple

from consumers.webhook_setup.account import (
    Account,
    Health,
    Registration,
    Verdict,
    fingerprint,
    registration,
    shown,
    shown_detail,
    verdict,
)
from consumers.webhook_setup.errors import SetupError
from consumers.webhook_setup.key_file import KeyFile
from consumers.webhook_setup.telling import Telling
from consumers.webhook_setup.vendor import VendorAccount

OK: Final = 0
NOT_DONE: Final = 1


class Patience(NamedTuple):
    """How long to go on pinging, in seconds."""

    most: float
    settle: float = 4.0
    """From a ping to the look at its outcome. The vendor reports its last delivery and not which one that
    was, and waits 2 s for a ping: a look before that could see an older report."""


async def register(
    account: VendorAccount, url: str, file: KeyFile, tell: Telling, *, replace: bool
) -> int:
    """Make ours the account's URL, if it is free or may be replaced, and keep the key.

    Raises:
        SetupError: it did not work.
    """
    file.check()
    before = await account.read()
    tell(f"present URL: {shown(before.url)}", url=_url(before), changed=False)
    step = registration(before.url, url, replace=replace)
    if step is Registration.TAKEN:
        tell(
            "nothing was changed: an account has one URL, and this one may serve another integration."
            " Let its receiver forward to us (deploy/README.md), or say --replace"
        )
        return NOT_DONE
    if before.key is not None:
        file.put(before.key)  # before the URL: receivers may have it by the first delivery
    after = before
    if step is Registration.SET:
        await account.set_url(url)
        after = await account.read()  # an answer alone may be about the time before
    if after.key is None:
        raise SetupError("Metriport has the URL and shows no key: run this again")
    file.put(after.key)
    if after.url != url:
        raise SetupError(f"Metriport took the URL and shows {shown(after.url)}")
    name, is_new = fingerprint(after.key), step is Registration.SET
    line = f"registered: {shown(url)}; its key {name} is the first in {file.path}"
    tell(line, url=shown(url), key=name, changed=is_new)
    tell("put the file where METRIPORT_WEBHOOK_KEYS is read from, then run: webhooks verify")
    return OK


async def status(account: VendorAccount, file: KeyFile | None, tell: Telling) -> int:
    """Tell how the webhook is doing; done when it is verified, by a key that the file holds.

    Raises:
        SetupError: nobody says.
    """
    now, health = await account.read(), await account.health()
    tell(f"URL: {shown(now.url)}", url=_url(now))
    is_known = _tell_key(now, file, tell)
    if health is None:
        tell("verified: unknown, Metriport has nothing stored")
        return NOT_DONE
    _tell_health(now, health, tell)
    return OK if now.url and health.verified and is_known else NOT_DONE


def _tell_health(account: Account, health: Health, tell: Telling) -> None:
    word = {True: "yes", False: "no", None: "unknown"}[health.verified]
    says = shown_detail(account, health)
    tell(
        f"verified: {word}; Metriport says: {says or 'nothing'}",
        verified=health.verified,
        says=says,
    )
    tell(
        f"deliveries under way: {_number(health.processing)}, failed: {_number(health.failed)}",
        under_way=health.processing,
        failed=health.failed,
    )


def _tell_key(account: Account, file: KeyFile | None, tell: Telling) -> bool:
    """Whether the file, if there is one, knows the vendor's key."""
    if account.key is None:
        tell("key: none")
        return False
    name = fingerprint(account.key)
    if file is None:
        tell(f"key: {name}", key=name)
        return True
    keys = file.keys()
    if account.key not in keys:
        tell(f"key: {name}, which is not in {file.path}", key=name)
        return False
    number = keys.index(account.key) + 1
    line = f"key: {name}, number {number} of {len(keys)} in {file.path}"
    tell(line, key=name, key_number=number)
    return True


def _url(account: Account) -> str | None:
    return None if account.url is None else shown(account.url)


def _number(count: int | None) -> str:
    return "unknown" if count is None else str(count)


async def verify(account: VendorAccount, tell: Telling, patience: Patience) -> int:
    """Have the vendor ping the present URL until it calls the webhook verified, or the time is over.

    Raises:
        SetupError: there is no URL, or the vendor does not answer.
    """
    now = await account.read()
    if now.url is None:
        raise SetupError("the account has no webhook URL: register one first")
    tell(f"pinging {shown(now.url)}", url=_url(now))
    health = await _ping(account, now.url, patience)
    match verdict(health):
        case Verdict.VERIFIED:
            tell("verified: Metriport's ping was answered as it should be", verified=True)
            return OK
        case Verdict.UNKNOWN:
            tell("not verified: Metriport does not say how the ping went")
        case Verdict.FAILED:
            _tell_failure(now, health or Health(), tell)
    return NOT_DONE


async def _ping(account: VendorAccount, url: str, patience: Patience) -> Health | None:
    """Several times, because a mounted key arrives when it arrives; the vendor's last report."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience.most
    while True:
        await account.set_url(url)
        await asyncio.sleep(patience.settle)
        health = await account.health()
        if verdict(health) is Verdict.VERIFIED or loop.time() >= until:
            return health


def _tell_failure(account: Account, health: Health, tell: Telling) -> None:
    detail = shown_detail(account, health)
    line = f"not verified; Metriport says: {detail or 'nothing'}"
    tell(line, verified=False, says=detail)
    if '"httpStatus":401' in detail:
        tell("401: the receiver does not have the key yet, or what forwards to it changes the body")


async def rotate(account: VendorAccount, file: KeyFile, tell: Telling) -> int:
    """Have the vendor make another key, as its docs describe it, and keep both.

    The docs say: clear the URL, then set it again. The vendor's code of 2025 ignored the clearing, so the
    key is read back. While the URL is cleared the vendor keeps what it has to send as failed deliveries.

    Raises:
        SetupError: it did not work; the text says so if the account is left without its URL.
    """
    file.check()
    before = await account.read()
    if before.url is None or before.key is None:
        raise SetupError("the account has no webhook URL and key: register one first")
    file.put(before.key)
    name = fingerprint(before.key)
    tell(f"present URL: {shown(before.url)}; its key: {name}", url=_url(before), key=name)
    await _clear_and_set(account, before.url)
    after = await account.read()
    if after.url != before.url or after.key is None:
        raise SetupError(_left_without(before.url))
    file.put(after.key)
    if after.key == before.key:
        line = "the key has not changed: Metriport kept it. Its support can make another one"
        tell(line, changed=False)
        return NOT_DONE
    name = fingerprint(after.key)
    line = f"the key has changed to {name}: {file.path} holds both, newest first"
    tell(line, key=name, changed=True)
    tell("webhooks are refused until every ingress has the file; those come by re-send")
    return OK


async def _clear_and_set(account: VendorAccount, url: str) -> None:
    """Whatever happens in between, also an interrupt: the URL is set again."""
    try:
        await account.set_url("")
    finally:
        try:
            await account.set_url(url)
        except SetupError as error:
            raise SetupError(f"{_left_without(url)} ({error})") from None


def _left_without(url: str) -> str:
    return f"the account may be left without its webhook URL: register {url} again, now"
